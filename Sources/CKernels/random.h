// Philox4x32-10, W / 2 blocks at a time. Nothing here is fused, so words, uniforms and normals have the same bits on
// every instruction set.

#define BLOCKS (W / 2)
typedef VECTOR(uint64_t, BLOCKS) vq;
#define LOW_WORD 0xffffffffull

/// Ten rounds. A 64-bit lane holds a block; the counter's words are the lanes' low halves, and what is in the high
/// halves does not matter. In the result the halves are words 0 and 2 (`even`), 1 and 3 (`odd`) of the block.
INLINE void philox(uint64_t key, vq c0, vq c1, vq c2, vq c3, vu *even, vu *odd) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  UNROLL for (int round = 0; round < 10; round++) {
    vq p = (c0 & LOW_WORD) * 0xD2511F53ull, q = (c2 & LOW_WORD) * 0xCD9E8D57ull;
    c0 = (q >> 32) ^ c1 ^ (uint64_t)k0;
    c2 = (p >> 32) ^ c3 ^ (uint64_t)k1;
    c1 = q;
    c3 = p;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  *even = (vu)((c0 & LOW_WORD) | (c2 << 32));
  *odd = (vu)((c1 & LOW_WORD) | (c3 << 32));
}

// Zipping even and odd words within 128 bits puts the blocks of the even lanes into one vector and those of the odd
// lanes into the other, so these lanes' numbers make both vectors contiguous.
#if W == 16
#define LANE_BLOCKS ((vq){0, 4, 1, 5, 2, 6, 3, 7})
#define ZIP_FIRST(a, b) \
  __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define ZIP_SECOND(a, b) \
  __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#elif W == 8
#define LANE_BLOCKS ((vq){0, 2, 1, 3})
#define ZIP_FIRST(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define ZIP_SECOND(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#else
#define LANE_BLOCKS ((vq){0, 1})
#define ZIP_FIRST(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP_SECOND(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

/// Box and Muller (1958): radius √(-2 log u), angle 2π v, for u = (a + 1/2) 2^-32 and v = b 2^-32. The smallest u gives
/// 6.76 σ. It takes one logarithm, one root and one sine and cosine for two normals; the inverse of the normal
/// distribution function takes a logarithm, a root and a polynomial for each.
INLINE void normal_pair(vu a, vu b, vf *cosines, vf *sines) {
  vf u = __builtin_convertvector(a, vf) * 0x1p-32f + 0x1p-33f;
  vi e = log_exponent(u);
  vf f = (vf)((vi)u - e) - 1.0f;
  vf p = -0x1.36f5f2p-3f * f + 0x1.5b6708p-3f;
  p = p * f - 0x1.5121cap-3f;
  p = p * f + 0x1.95f852p-3f;
  p = p * f - 0x1.000c50p-2f;
  p = p * f + 0x1.555dc8p-2f;
  vf log_u = (f + (p * f - 0.5f) * (f * f)) + to_float(e) * (0x1.62e43p-1f * 0x1p-23f);
  vf radius = v_sqrt(-2.0f * log_u);

  // b = quarter 2^30 + the rest; the rest is an angle within ±π/4.
  vf r = to_float((vi)(b << 2)) * (0x1.921fb6p-1f * 0x1p-31f);
  vf s = r * r;
  vf sine = ((-0x1.99441cp-13f * s + 0x1.11073cp-7f) * s - 0x1.555546p-3f) * (s * r) + r;
  vf cosine = (-0x1.65cb30p-10f * s + 0x1.55499ap-5f) * (s * s) + (1.0f - 0.5f * s);
  vu quarter = b + 0x20000000u;
  vi odd = (vi)((quarter & 0x40000000u) != 0);
  vf along = odd ? sine : cosine, across = odd ? cosine : sine;
  *cosines = radius * (vf)((vu)along ^ ((quarter + 0x40000000u) & 0x80000000u));
  *sines = radius * (vf)((vu)across ^ (quarter & 0x80000000u));
}

enum stream_kind { WORDS, UNIFORM, NORMAL, BERNOULLI, BINARISED };

INLINE vf uniform(vu words) { return to_float((vi)(words >> 8)) * 0x1p-24f; }

/// 1 where w / 2^24 < pixel / 255, for the upper 24 bits w of the word: compared as integers, exactly.
INLINE vf binarised(vu words, const uint8_t *pixels) {
  vu w = words >> 8;
  vu threshold = __builtin_convertvector(*(const unaligned_vb *)pixels, vu) << 24;
  return (w << 8) - w < threshold ? (vf)1.0f : (vf)0.0f;
}

/// The 2 W elements of the blocks from `block` on. `pixels` has as many bytes when the kind is BINARISED.
INLINE void stream_group(enum stream_kind kind, uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint32_t block,
                         float p, const uint8_t *pixels, vf *first, vf *second) {
  vu even, odd;
  philox(key, LANE_BLOCKS + (uint64_t)block, (vq)(uint64_t)c1, (vq)(uint64_t)c2, (vq)(uint64_t)c3, &even, &odd);
  if (kind == NORMAL) {
    vf cosines, sines;
    normal_pair(even, odd, &cosines, &sines);
    *first = ZIP_FIRST(cosines, sines);
    *second = ZIP_SECOND(cosines, sines);
    return;
  }
  vu low = ZIP_FIRST(even, odd), high = ZIP_SECOND(even, odd);
  switch (kind) {
  case UNIFORM:
    *first = uniform(low);
    *second = uniform(high);
    break;
  case BERNOULLI:
    *first = uniform(low) < p ? (vf)1.0f : (vf)0.0f;
    *second = uniform(high) < p ? (vf)1.0f : (vf)0.0f;
    break;
  case BINARISED:
    *first = binarised(low, pixels);
    *second = binarised(high, pixels + W);
    break;
  default:
    *first = (vf)low;
    *second = (vf)high;
  }
}

/// Elements first ..< first + n of a stream. Groups that lie whole in the range are stored; the ends go by a buffer.
INLINE void stream(enum stream_kind kind, uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float p,
                   const uint8_t *pixels, float *y, size_t n) {
  uint32_t block = (uint32_t)(first / 4);
  size_t skip = first % 4;
  for (; n > 0; block += BLOCKS, skip = 0) {
    vf low, high;
    if (skip == 0 && n >= 2 * W) {
      stream_group(kind, key, c1, c2, c3, block, p, pixels, &low, &high);
      store(y, low);
      store(y + W, high);
      y += 2 * W;
      n -= 2 * W;
      if (kind == BINARISED) pixels += 2 * W;
    } else {
      const size_t taken = n < 2 * W - skip ? n : 2 * W - skip;
      float buffer[2 * W];
      uint8_t bytes[2 * W] = {0};
      if (kind == BINARISED) memcpy(bytes + skip, pixels, taken);
      stream_group(kind, key, c1, c2, c3, block, p, bytes, &low, &high);
      store(buffer, low);
      store(buffer + W, high);
      memcpy(y, buffer + skip, taken * sizeof(float));
      y += taken;
      n -= taken;
      if (kind == BINARISED) pixels += taken;
    }
  }
}

static void philox_words_kernel(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, uint32_t *y,
                                size_t n) {
  stream(WORDS, key, c1, c2, c3, first, 0, NULL, (float *)y, n);
}

static void philox_uniform_kernel(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float *y,
                                  size_t n) {
  stream(UNIFORM, key, c1, c2, c3, first, 0, NULL, y, n);
}

static void philox_normal_kernel(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float *y,
                                 size_t n) {
  stream(NORMAL, key, c1, c2, c3, first, 0, NULL, y, n);
}

static void philox_bernoulli_kernel(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float p,
                                    float *y, size_t n) {
  stream(BERNOULLI, key, c1, c2, c3, first, p, NULL, y, n);
}

static void philox_uniform_rows_kernel(uint64_t key, uint32_t c1, const uint32_t *row_ids, uint32_t c3, size_t rows,
                                       size_t cols, float *y) {
  for (size_t row = 0; row < rows; row++) stream(UNIFORM, key, c1, row_ids[row], c3, 0, 0, NULL, y + row * cols, cols);
}

static void philox_normal_rows_kernel(uint64_t key, uint32_t c1, const uint32_t *row_ids, uint32_t c3, size_t rows,
                                      size_t cols, float *y) {
  for (size_t row = 0; row < rows; row++) stream(NORMAL, key, c1, row_ids[row], c3, 0, 0, NULL, y + row * cols, cols);
}

static void philox_binarise_bytes_kernel(uint64_t key, uint32_t c1, uint32_t c3, const uint8_t *src,
                                         const uint32_t *row_ids, size_t rows, size_t cols, float *y) {
  for (size_t row = 0; row < rows; row++) {
    stream(BINARISED, key, c1, row_ids[row], c3, 0, 0, src + (size_t)row_ids[row] * cols, y + row * cols, cols);
  }
}

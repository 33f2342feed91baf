// Philox4x32-10, W / 2 blocks at a time. Words, uniforms and normals have the same bits on every instruction set.

#define BLOCKS (W / 2)
typedef VECTOR(uint64_t, BLOCKS) vq;
#define LOW_WORD 0xffffffffull

// The low words of the 64-bit lanes of a and b, one after the other. A shuffle, not shifts: the compiler would merge a
// shift with the multiplication before it into one of 64 bits, which is slow.
#define LOW_PAIR(i) 2 * (i), W + 2 * (i)
#define LOW_FOUR(i) LOW_PAIR(i), LOW_PAIR((i) + 1), LOW_PAIR((i) + 2), LOW_PAIR((i) + 3)
#if W == 32
#define LOW_ALL LOW_FOUR(0), LOW_FOUR(4), LOW_FOUR(8), LOW_FOUR(12)
#elif W == 16
#define LOW_ALL LOW_FOUR(0), LOW_FOUR(4)
#else
#define LOW_ALL LOW_FOUR(0)
#endif
#define LOW_WORDS(a, b) __builtin_shufflevector(a, b, LOW_ALL)

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
  *even = LOW_WORDS((vu)c0, (vu)c2);
  *odd = LOW_WORDS((vu)c1, (vu)c3);
}

// Zipping even and odd words within 128 bits puts the blocks of the even lanes into one vector and those of the odd
// lanes into the other, so these lanes' numbers make both vectors contiguous.
#define ZIP_PAIR(i) (i), W + (i), (i) + 1, W + (i) + 1
#if W == 32
#define LANE_BLOCKS ((vq){0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15})
#define ZIP_PAIRS(i)                                                                          \
  ZIP_PAIR(i), ZIP_PAIR(4 + i), ZIP_PAIR(8 + i), ZIP_PAIR(12 + i), ZIP_PAIR(16 + i), ZIP_PAIR(20 + i), \
      ZIP_PAIR(24 + i), ZIP_PAIR(28 + i)
#elif W == 16
#define LANE_BLOCKS ((vq){0, 4, 1, 5, 2, 6, 3, 7})
#define ZIP_PAIRS(i) ZIP_PAIR(i), ZIP_PAIR(4 + i), ZIP_PAIR(8 + i), ZIP_PAIR(12 + i)
#else
#define LANE_BLOCKS ((vq){0, 2, 1, 3})
#define ZIP_PAIRS(i) ZIP_PAIR(i), ZIP_PAIR(4 + i)
#endif
#define ZIP_FIRST(a, b) __builtin_shufflevector(a, b, ZIP_PAIRS(0))
#define ZIP_SECOND(a, b) __builtin_shufflevector(a, b, ZIP_PAIRS(2))

/// Box and Muller (1958): radius √(-2 log u), angle 2π v, for u = (a + 1/2) 2^-32 and v = b 2^-32. The smallest u
/// gives 6.76 σ. It takes one logarithm, one root and one sine and cosine for two normals; the inverse of the normal
/// distribution function takes a logarithm, a root and a polynomial for each.
INLINE void normal_pair(vu a, vu b, vf *cosines, vf *sines) {
  vf u = EXACT_FMA(__builtin_convertvector(a, vf), 0x1p-32f, 0x1p-33f);
  vi e = log_exponent(u);
  // g = -2 f for the mantissa 1 + f in [2/3, 4/3): -2 log(1 + f) = g + g²/4 + g³ P(g).
  vf g = EXACT_FMA((vf)((vi)u - e), -2.0f, 2.0f);
  vf p = EXACT_FMA(0x1.369f40p-10f, g, 0x1.5b6784p-9f);
  p = EXACT_FMA(p, g, 0x1.512e66p-8f);
  p = EXACT_FMA(p, g, 0x1.95f81ep-7f);
  p = EXACT_FMA(p, g, 0x1.000c1ap-5f);
  p = EXACT_FMA(p, g, 0x1.555dcap-4f);
  p = EXACT_FMA(EXACT_FMA(p, g, 0.25f), g * g, g);
  vf radius = v_sqrt(EXACT_FMA(to_float(e), -0x1.62e430p-23f, p));

  // b = quarter 2^30 + the rest; the rest is an angle within ±π/4.
  vf r = to_float((vi)(b << 2)) * (0x1.921fb6p-1f * 0x1p-31f);
  vf s = r * r;
  vf sine = EXACT_FMA(-0x1.99441cp-13f, s, 0x1.11073cp-7f);
  sine = EXACT_FMA(EXACT_FMA(sine, s, -0x1.555546p-3f), s * r, r);
  vf cosine = EXACT_FMA(-0x1.65cb30p-10f, s, 0x1.55499ap-5f);
  cosine = EXACT_FMA(EXACT_FMA(cosine, s, -0.5f), s, 1.0f);
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

/// What names a stream and says what becomes of its words. A constant kind leaves one branch of store_elements standing.
typedef struct {
  enum stream_kind kind;
  uint64_t key;
  uint32_t c1, c2, c3;
  float p;
} stream;

INLINE void words_of(const stream *s, uint32_t block, vu *even, vu *odd) {
  const vq c1 = (vq)(uint64_t)s->c1, c2 = (vq)(uint64_t)s->c2, c3 = (vq)(uint64_t)s->c3;
  philox(s->key, LANE_BLOCKS + (uint64_t)block, c1, c2, c3, even, odd);
}

/// Makes 2 W words into elements. `pixels` has as many bytes when the kind is BINARISED.
INLINE void store_elements(const stream *s, vu even, vu odd, const uint8_t *pixels, float *y) {
  vf first, second;
  if (s->kind == NORMAL) {
    vf cosines, sines;
    normal_pair(even, odd, &cosines, &sines);
    first = ZIP_FIRST(cosines, sines);
    second = ZIP_SECOND(cosines, sines);
  } else {
    vu low = ZIP_FIRST(even, odd), high = ZIP_SECOND(even, odd);
    switch (s->kind) {
    case UNIFORM:
      first = uniform(low);
      second = uniform(high);
      break;
    case BERNOULLI:
      first = uniform(low) < s->p ? (vf)1.0f : (vf)0.0f;
      second = uniform(high) < s->p ? (vf)1.0f : (vf)0.0f;
      break;
    case BINARISED:
      first = binarised(low, pixels);
      second = binarised(high, pixels + W);
      break;
    default:
      first = (vf)low;
      second = (vf)high;
    }
  }
  store(y, first);
  store(y + W, second);
}

/// Elements skip ..< skip + n of the group of `block`, by a buffer.
INLINE void store_part(const stream *s, uint32_t block, size_t skip, const uint8_t *pixels, float *y, size_t n) {
  vu even, odd;
  float buffer[2 * W];
  uint8_t bytes[2 * W] = {0};
  if (s->kind == BINARISED) memcpy(bytes + skip, pixels, n);
  words_of(s, block, &even, &odd);
  store_elements(s, even, odd, bytes, buffer);
  memcpy(y, buffer + skip, n * sizeof(float));
}

/// pixels + offset, where there are pixels.
INLINE const uint8_t *at(const uint8_t *pixels, size_t offset) { return pixels ? pixels + offset : NULL; }

/// Elements first ..< first + n of a stream, and of `pixels`.
INLINE void fill_stream(const stream s, uint64_t first, const uint8_t *pixels, float *y, size_t n) {
  const size_t group = 2 * W, skip = first % 4;
  uint32_t block = (uint32_t)(first / 4);
  size_t done = 0;
  if (skip > 0 && n > 0) {
    done = n < group - skip ? n : group - skip;
    store_part(&s, block, skip, pixels, y, done);
    block += BLOCKS;
  }
  if (s.kind == NORMAL && n - done >= group) {
    // The words of the next group are made beside the elements of this one: two long chains that do not wait for each
    // other.
    vu even, odd;
    words_of(&s, block, &even, &odd);
    for (; n - done >= 2 * group; done += group) {
      vu next_even, next_odd;
      block += BLOCKS;
      words_of(&s, block, &next_even, &next_odd);
      store_elements(&s, even, odd, NULL, y + done);
      even = next_even;
      odd = next_odd;
    }
    store_elements(&s, even, odd, NULL, y + done);
    block += BLOCKS;
    done += group;
  }
  for (; n - done >= group; done += group, block += BLOCKS) {
    vu even, odd;
    words_of(&s, block, &even, &odd);
    store_elements(&s, even, odd, at(pixels, done), y + done);
  }
  if (done < n) store_part(&s, block, 0, at(pixels, done), y + done, n - done);
}

/// A stream for each row, its c2 from `row_ids`. Blocks of several rows share a group where rows are short.
INLINE void fill_rows(stream s, const uint32_t *row_ids, float *y, size_t rows, size_t cols) {
  if (cols >= 8 * W) {
    for (size_t row = 0; row < rows; row++) {
      s.c2 = row_ids[row];
      fill_stream(s, 0, NULL, y + row * cols, cols);
    }
    return;
  }
  const size_t row_blocks = (cols + 3) / 4, count = rows * row_blocks;
  size_t row = 0, block = 0;
  for (size_t start = 0; start < count; start += BLOCKS) {
    uint64_t c0[BLOCKS] = {0}, c2[BLOCKS] = {0};
    float *target[BLOCKS];
    const size_t used = count - start < BLOCKS ? count - start : BLOCKS;
    for (size_t i = 0; i < used; i++) {
      // The lane whose block stands i-th in memory: the inverse of LANE_BLOCKS.
      const size_t lane = i < BLOCKS / 2 ? 2 * i : 2 * i + 1 - BLOCKS;
      c0[lane] = block;
      c2[lane] = row_ids[row];
      target[i] = y + row * cols + 4 * block;
      if (++block == row_blocks) {
        block = 0;
        row++;
      }
    }
    vq counters, samples;
    memcpy(&counters, c0, sizeof counters);
    memcpy(&samples, c2, sizeof samples);
    vu even, odd;
    philox(s.key, counters, (vq)(uint64_t)s.c1, samples, (vq)(uint64_t)s.c3, &even, &odd);
    if (cols % 4 == 0 && used == BLOCKS) {
      store_elements(&s, even, odd, NULL, target[0]);
      continue;
    }
    float buffer[2 * W];
    store_elements(&s, even, odd, NULL, buffer);
    for (size_t i = 0; i < used; i++) {
      const size_t left = cols - (size_t)(target[i] - y) % cols;
      memcpy(target[i], buffer + 4 * i, (left < 4 ? left : 4) * sizeof(float));
    }
  }
}

static void philox_words_kernel(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, uint32_t *y,
                                size_t n) {
  fill_stream((stream){WORDS, key, c1, c2, c3, 0}, first, NULL, (float *)y, n);
}

static void philox_uniform_kernel(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float *y,
                                  size_t n) {
  fill_stream((stream){UNIFORM, key, c1, c2, c3, 0}, first, NULL, y, n);
}

static void philox_normal_kernel(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float *y,
                                 size_t n) {
  fill_stream((stream){NORMAL, key, c1, c2, c3, 0}, first, NULL, y, n);
}

static void philox_bernoulli_kernel(uint64_t key, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t first, float p,
                                    float *y, size_t n) {
  fill_stream((stream){BERNOULLI, key, c1, c2, c3, p}, first, NULL, y, n);
}

static void philox_uniform_rows_kernel(uint64_t key, uint32_t c1, const uint32_t *row_ids, uint32_t c3, size_t rows,
                                       size_t cols, float *y) {
  fill_rows((stream){UNIFORM, key, c1, 0, c3, 0}, row_ids, y, rows, cols);
}

static void philox_normal_rows_kernel(uint64_t key, uint32_t c1, const uint32_t *row_ids, uint32_t c3, size_t rows,
                                      size_t cols, float *y) {
  fill_rows((stream){NORMAL, key, c1, 0, c3, 0}, row_ids, y, rows, cols);
}

static void philox_binarise_bytes_kernel(uint64_t key, uint32_t c1, uint32_t c3, const uint8_t *src,
                                         const uint32_t *row_ids, size_t rows, size_t cols, float *y) {
  for (size_t row = 0; row < rows; row++) {
    const uint8_t *pixels = src + (size_t)row_ids[row] * cols;
    fill_stream((stream){BINARISED, key, c1, row_ids[row], c3, 0}, 0, pixels, y + row * cols, cols);
  }
}

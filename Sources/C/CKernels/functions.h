// The functions of one vector. Polynomials: scripts/reference/kernel_polynomials.py. Bounds: elbo_elementwise.h.

// 1.5 · 2^23: adding it leaves the nearest integer (ties to even) in the low bits.
#define MAGIC 0x1.8p23f
#define MAGIC_BITS 0x4b400000
#define LOG2_E 0x1.715476p+0f
// ln 2 in two parts; the first has 16 bits, so that n times it is exact.
#define LN2_HI 0x1.62e4p-1f
#define LN2_LO 0x1.7f7d1cp-20f
// 2/3, the lower end of the interval that log reduces to: [2/3, 4/3) keeps log near 1 free of cancellation.
#define TWO_THIRDS_BITS 0x3f2aaaab

/// exp(r) - 1 for |r| ≤ 0.3475.
INLINE vf expm1_core(vf r) {
  vf p = FMA(0x1.6be4ecp-10f, r, 0x1.122898p-7f);
  p = FMA(p, r, 0x1.55567cp-5f);
  p = FMA(p, r, 0x1.5554aep-3f);
  p = FMA(p, r, 0x1.fffffep-2f);
  return FMA(r * r, p, r);
}

/// x = n ln 2 + r. The integer n is in `bits - MAGIC_BITS` too.
INLINE vf reduce_exp(vf x, vf *n, vi *bits) {
  vf t = FMA(x, LOG2_E, MAGIC);
  *bits = (vi)t;
  *n = t - MAGIC;
  return FMA(*n, -LN2_LO, FMA(*n, -LN2_HI, x));
}

/// 2^n for n in -126 … 127.
INLINE vf power_of_two(vi n) { return (vf)((n + 127) << 23); }

INLINE vf v_exp(vf x) {
  // Beyond these ends the result is 0 or infinite whatever x is. The zero is put in before the scaling: a product that
  // underflows takes a hundred cycles on many processors, and inputs far below are common (softmax).
  vf n;
  vi bits;
  vf p = expm1_core(reduce_exp(at_most(at_least(x, -104.0f), 89.0f), &n, &bits)) + 1.0f;
  p = x < -104.0f ? (vf)0.0f : p;
#if MASKED == 16
  p.lo = (half_vf)_mm512_scalef_ps((__m512)p.lo, (__m512)n.lo);
  p.hi = (half_vf)_mm512_scalef_ps((__m512)p.hi, (__m512)n.hi);
  return p;
#else
  // In two steps: 2^n itself may be out of range where the result is denormal or just finite.
  vi whole = bits - MAGIC_BITS, half = whole >> 1;
  return p * power_of_two(half) * power_of_two(whole - half);
#endif
}

INLINE vf v_expm1(vf x) {
  vf clamped = at_most(at_least(x, -20.0f), 89.0f);
  vf n;
  vi bits;
  vf p = expm1_core(reduce_exp(clamped, &n, &bits));
  // Half of the result, so that n = 128 still has a power: 2^(n-1) p + 2^(n-1) - 1/2.
  vf half = power_of_two(bits - MAGIC_BITS - 1);
  vf y = 2.0f * FMA(p, half, half - 0.5f);
  // Keeps denormals and the sign of zero; x²/2 is below a quarter of an ulp there.
  return v_abs(x) < 0x1p-25f ? x : y;
}

/// log(1 + f) - n ln 2, for 1 + f in [2/3, 4/3]. n comes with its sign changed: with n = 0 the terms are then -0, and
/// f = -0 keeps its sign.
INLINE vf log_core(vf f, vf minus_n) {
  vf p = FMA(-0x1.082c06p-3f, f, 0x1.1e5c1ep-3f);
  p = FMA(p, f, -0x1.f30160p-4f);
  p = FMA(p, f, 0x1.1ed920p-3f);
  p = FMA(p, f, -0x1.559e4cp-3f);
  p = FMA(p, f, 0x1.99d00ap-3f);
  p = FMA(p, f, -0x1.fffeeep-3f);
  p = FMA(p, f, 0x1.555506p-2f);
  vf y = FMA(FMA(p, f, -0.5f), f * f, f);
  return FMA(minus_n, -LN2_HI, FMA(minus_n, -LN2_LO, y));
}

/// The exponent part e of x = m 2^(e / 2^23), m in [2/3, 4/3), for positive normal x.
INLINE vi log_exponent(vf x) { return ((vi)x - TWO_THIRDS_BITS) & (int32_t)0xff800000; }

INLINE vf v_log(vf x) {
  vi tiny = x < 0x1p-126f;
  vf scaled = tiny ? x * 0x1p23f : x;
  vi e = log_exponent(scaled);
  vf minus_n = to_float(-(e >> 23)) + (tiny ? (vf)23.0f : (vf)0.0f);
  vf y = log_core((vf)((vi)scaled - e) - 1.0f, minus_n);
  y = x < INFINITY ? y : x;
  y = x == 0.0f ? (vf)-INFINITY : y;
  return x < 0.0f ? (vf)NAN : y;
}

INLINE vf v_log1p(vf x) {
  vi e = log_exponent(1.0f + x);
  // (1 + x) 2^-n - 1 = x 2^-n - (1 - 2^-n): no digit of a small x is lost. 4 · 2^-n is normal up to n = 128.
  vf f = (vf)((vi)x - e) - FMA((vf)(0x40800000 - e), -0.25f, 1.0f);
  vf y = log_core(f, to_float(-(e >> 23)));
  y = x < INFINITY ? y : x;
  y = x == -1.0f ? (vf)-INFINITY : y;
  return x < -1.0f ? (vf)NAN : y;
}

/// exp(x) for x ≤ 0; 2^-126 instead of anything below it.
INLINE vf exp_of_negative(vf x) {
  vf n;
  vi bits;
  vf p = expm1_core(reduce_exp(at_least(x, -0x1.5d58ap+6f), &n, &bits)) + 1.0f;
  return (vf)((vi)p + ((bits - MAGIC_BITS) << 23));
}

/// (log(1 + e) - e) / e² for e in [0, 1].
INLINE vf log1p_unit_tail(vf e) {
  vf p = FMA(0x1.5fe674p-8f, e, -0x1.ece31ap-6f);
  p = FMA(p, e, 0x1.4487bap-4f);
  p = FMA(p, e, -0x1.19b844p-3f);
  p = FMA(p, e, 0x1.8848dap-3f);
  p = FMA(p, e, -0x1.fd1424p-3f);
  p = FMA(p, e, 0x1.5535e6p-2f);
  return FMA(p, e, -0x1.ffff14p-2f);
}

/// log(1 + e) for e in [0, 1].
INLINE vf log1p_unit(vf e) { return FMA(e * e, log1p_unit_tail(e), e); }

/// sigmoid(x), given e = exp(-|x|).
INLINE vf sigmoid_from(vf x, vf e) { return (x < 0.0f ? e : (vf)1.0f) / (1.0f + e); }
INLINE vf v_sigmoid(vf x) { return sigmoid_from(x, v_exp(-v_abs(x))); }

INLINE vf v_softplus(vf x) { return at_least(x, 0.0f) + log1p_unit(v_exp(-v_abs(x))); }

/// tanh|x| = expm1(2 |x|) / (expm1(2 |x|) + 2).
INLINE vf v_tanh(vf x) {
  vf n;
  vi bits;
  vf p = expm1_core(reduce_exp(2.0f * at_most(v_abs(x), 10.0f), &n, &bits));
  vf power = power_of_two(bits - MAGIC_BITS);
  vf e = FMA(p, power, power - 1.0f);
  return with_sign(e / (e + 2.0f), x);
}

INLINE vf v_erf(vf x) {
  vf s = x * x, t = at_most(v_abs(x), 4.0f);
  vf small = FMA(0x1.5c1ba0p-14f, s, -0x1.aa0740p-11f);
  small = FMA(small, s, 0x1.54c1a6p-8f);
  small = FMA(small, s, -0x1.b80deap-6f);
  small = FMA(small, s, 0x1.ce2e02p-4f);
  small = FMA(small, s, -0x1.812742p-2f);
  small = FMA(small, s, 0x1.06eba8p-3f);
  small = FMA(small, x, x);
  vf large = FMA(0x1.5e9b5ap-17f, t, -0x1.4a5116p-12f);
  large = FMA(large, t, 0x1.d94c1ap-9f);
  large = FMA(large, t, -0x1.843bbcp-6f);
  large = FMA(large, t, 0x1.b2d56ap-4f);
  large = FMA(large, t, 0x1.45388ep-1f);
  large = FMA(large, t, 0x1.0772fep-3f);
  large = with_sign(1.0f - v_exp(FMA(-t, large, -t)), x);
  return t < 0.93f ? small : large;
}

/// sin(x + quarters π/2). The argument is reduced in double: π/2 is split after 33 bits, so that n times the first
/// part is exact up to n = 2^20 (fdlibm's split). Larger ones are rare here and go to the C library, one by one.
INLINE vf v_sin_quarter(vf x, int32_t quarters) {
  const float limit = 0x1p20f;
  vd d = to_double(x);
  vd t = d * 0x1.45f306dc9c883p-1 + 0x1.8p52;
  vd n = t - 0x1.8p52;
  vf r = __builtin_convertvector((d - n * 0x1.921fb544p+0) - n * 0x1.0b4611a626331p-34, vf);
  vi q = __builtin_convertvector((vl)t, vi) + quarters;
  vf s = r * r;
  vf sine = FMA(-0x1.99441cp-13f, s, 0x1.11073cp-7f);
  sine = FMA(sine, s, -0x1.555546p-3f);
  sine = FMA(r * s, sine, r);
  vf cosine = FMA(0x1.99ebd2p-16f, s, -0x1.6c0c34p-10f);
  cosine = FMA(cosine, s, 0x1.55554ap-5f);
  cosine = FMA(s * s, cosine, FMA(s, -0.5f, 1.0f));
  vf y = (q & 1) != 0 ? cosine : sine;
  y = (vf)((vi)y ^ ((q & 2) << 30));
  if (quarters == 0) y = v_abs(x) < 0x1p-13f ? x : y;
  vi outside = ~(v_abs(x) <= limit);
  if (__builtin_expect(__builtin_reduce_or(outside) != 0, 0)) {
    for (int i = 0; i < W; i++) {
      if (outside[i]) y[i] = (float)(quarters ? cos((double)x[i]) : sin((double)x[i]));
    }
  }
  return y;
}

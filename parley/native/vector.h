/* Eight floats at a time, with the vector extension that gcc and clang share. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#define LANES 8
#ifdef __AVX512F__
#define WIDE 16 /* floats in the widest register */
#else
#define WIDE 8
#endif
#define INLINE static inline __attribute__((always_inline))

typedef float wide __attribute__((vector_size(4 * WIDE)));
typedef float v8 __attribute__((vector_size(4 * LANES)));
typedef int32_t v8i __attribute__((vector_size(4 * LANES)));

INLINE v8 load(const float *from) { v8 x; memcpy(&x, from, sizeof x); return x; }
INLINE void store(float *to, v8 x) { memcpy(to, &x, sizeof x); }
INLINE v8 splat(float x) { return (v8){x, x, x, x, x, x, x, x}; }
INLINE float total(v8 x) { return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7])); }
INLINE v8 most(v8 a, v8 b) { v8i larger = a > b; return (v8)(((v8i)a & larger) | ((v8i)b & ~larger)); }
INLINE v8 least(v8 a, v8 b) { v8i smaller = a < b; return (v8)(((v8i)a & smaller) | ((v8i)b & ~smaller)); }

/* e^x to two units in the last place; what would overflow or vanish is held at e^88 and e^-87. */
INLINE v8 exponential(v8 x)
{
    x = least(most(x, splat(-87.0f)), splat(88.0f));
    const v8 magic = splat(12582912.0f); /* 1.5 * 2^23: added and taken away again, it rounds */
    v8 n = x * 1.44269504f + magic - magic;
    v8 r = x - n * 0.693359375f + n * 2.12194440e-4f;
    v8 p = splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return p * (v8)((__builtin_convertvector(n, v8i) + 127) << 23);
}

/* log(1 + e^x), by the series of log(1 + t) = 2 artanh(t / (2 + t)) for t = e^-|x|; NaN stays NaN. */
INLINE v8 softplus(v8 x)
{
    v8 size = most(x, -x), t = exponential(-size), s = t / (t + 2.0f), q = s * s;
    v8 p = splat(1.0f / 13.0f);
    p = p * q + 1.0f / 11.0f;
    p = p * q + 1.0f / 9.0f;
    p = p * q + 1.0f / 7.0f;
    p = p * q + 1.0f / 5.0f;
    p = p * q + 1.0f / 3.0f;
    p = p * q + 1.0f;
    return most(x, splat(0.0f)) + 2.0f * s * p + (x - x);
}

INLINE v8 silu(v8 x) { return x / (1.0f + exponential(-x)); }

/* x times the normal distribution's integral up to x; the error function after Abramowitz and Stegun, 7.1.26. */
INLINE v8 gelu(v8 x)
{
    v8 z = most(x, -x) * 0.70710678f, t = 1.0f / (1.0f + 0.3275911f * z);
    v8 p = splat(1.061405429f);
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    v8 tail = 0.5f * p * t * exponential(-z * z); /* beyond |x| */
    v8i negative = x < splat(0.0f);
    v8 share = (v8)(((v8i)tail & negative) | ((v8i)(1.0f - tail) & ~negative));
    return x * share;
}

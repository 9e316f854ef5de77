// exp, log, tanh and their kin on vectors: a few units in the last place, NaN in gives NaN out, infinities as libm has them.
//
// The approximations are S. L. Moshier's (Cephes Math Library, 1992): reduce the argument to a small interval,
// evaluate a polynomial or a quotient of two, scale back.
#pragma once

#include <cmath>
#include <limits>

#include "simd.h"

namespace {

template <class T, int N>
ELMAN_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[N]) {  // c[0] x^(N-1) + ... + c[N-1]
    Vec<T> r = spread(c[0]);
#pragma GCC unroll 16
    for (int i = 1; i < N; i++) r = r * x + c[i];
    return r;
}

template <class T>
ELMAN_INLINE Vec<T> magnitude(Vec<T> x) {
    using I = typename BitsOf<T>::type;
    return number<T>(bits<T>(x) & std::numeric_limits<I>::max());
}
template <class T>
ELMAN_INLINE Vec<T> with_sign_of(Vec<T> x, Vec<T> sign) {
    using I = typename BitsOf<T>::type;
    return number<T>(bits<T>(x) | (bits<T>(sign) & std::numeric_limits<I>::min()));
}

template <class T>
struct Format;
template <>
struct Format<float> {
    static constexpr int fraction = 23, bias = 127;
    static constexpr float round = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
    static constexpr float lowest = -104.0f, highest = 89.0f;  // exp is 0 below, infinite above
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
};
template <>
struct Format<double> {
    static constexpr int fraction = 52, bias = 1023;
    static constexpr double round = 6755399441055744.0;
    static constexpr double lowest = -746.0, highest = 710.0;
    static constexpr double ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
};

ELMAN_INLINE Vec<float> exp_small(Vec<float> r) {  // |r| <= ln 2 / 2
    constexpr float c[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                           4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    return polynomial<float>(r, c) * (r * r) + r + 1.0f;
}
ELMAN_INLINE Vec<double> exp_small(Vec<double> r) {
    constexpr double p[] = {1.26177193074810590878e-4, 3.02994407707441961300e-2, 9.99999999999999999910e-1};
    constexpr double q[] = {3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1,
                            2.00000000000000000009e0};
    Vec<double> z = r * r, rp = r * polynomial<double>(z, p);
    return 1.0 + 2.0 * (rp / (polynomial<double>(z, q) - rp));
}

// x limited to low..high; NaN stays NaN
template <class T>
ELMAN_INLINE Vec<T> limited(Vec<T> x, T low, T high) {
    x = choose<T>(x < spread(low), spread(low), x);
    return choose<T>(x > spread(high), spread(high), x);
}

// x * 2^n, where `shifted` is n + Format::round
template <class T>
ELMAN_INLINE Vec<T> scaled(Vec<T> x, Vec<T> shifted) {
    using F = Format<T>;
    // 2^n in two factors, so that neither leaves the format where the product is denormal or infinite
    Bits<T> k = bits<T>(shifted) - bits<T>(spread(F::round));
    Bits<T> half = k >> 1;
    Vec<T> scale1 = number<T>((half + F::bias) << F::fraction);
    Vec<T> scale2 = number<T>((k - half + F::bias) << F::fraction);
    return x * scale1 * scale2;
}

// 1 / x and a / b for finite x and b that are not denormal, nor are their reciprocals
template <class T>
ELMAN_INLINE Vec<T> reciprocal(Vec<T> x) {
    return 1 / x;
}
template <class T>
ELMAN_INLINE Vec<T> quotient(Vec<T> a, Vec<T> b) {
    return a / b;
}

#if defined(ELMAN_AVX512)
// One instruction each where there is one; a division costs as much as ten products, an estimate with one step of
// Newton's method (14 -> 28 bits) three.
template <>
ELMAN_SPECIAL Vec<float> limited<float>(Vec<float> x, float low, float high) {
    return _mm512_min_ps(spread(high), _mm512_max_ps(spread(low), x));  // the second operand, if either is NaN
}
template <>
ELMAN_SPECIAL Vec<double> limited<double>(Vec<double> x, double low, double high) {
    return _mm512_min_pd(spread(high), _mm512_max_pd(spread(low), x));
}
template <>
ELMAN_SPECIAL Vec<float> scaled<float>(Vec<float> x, Vec<float> shifted) {
    return _mm512_scalef_ps(x, shifted - Format<float>::round);
}
template <>
ELMAN_SPECIAL Vec<double> scaled<double>(Vec<double> x, Vec<double> shifted) {
    return _mm512_scalef_pd(x, shifted - Format<double>::round);
}
template <>
ELMAN_SPECIAL Vec<float> reciprocal<float>(Vec<float> x) {
    Vec<float> r = _mm512_rcp14_ps(x);
    return r + r * (1 - x * r);
}
template <>
ELMAN_SPECIAL Vec<float> quotient<float>(Vec<float> a, Vec<float> b) {
    Vec<float> r = reciprocal<float>(b), q = a * r;
    return q + r * (a - b * q);
}
#endif

template <class T>
ELMAN_INLINE Vec<T> vexp(Vec<T> x) {
    using F = Format<T>;
    x = limited<T>(x, F::lowest, F::highest);
    Vec<T> shifted = x * T(1.44269504088896340736) + F::round;
    Vec<T> n = shifted - F::round;
    Vec<T> r = x - n * F::ln2_high - n * F::ln2_low;
    return scaled<T>(exp_small(r), shifted);
}

template <class T>
ELMAN_INLINE Vec<T> vsigmoid(Vec<T> x) {
    // beyond 87 the reciprocal of 1 + e^-x would be denormal: what is left of it is nothing
    constexpr T end = Format<T>::fraction == 23 ? T(87) : T(708);
    Vec<T> y = reciprocal<T>(1 + vexp<T>(limited<T>(-x, -end, end)));
    return choose<T>(x < spread(-end), spread(T(0)), y);
}

ELMAN_INLINE Vec<double> tanh_small(Vec<double> x, Vec<double> z) {
    constexpr double p[] = {-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3};
    constexpr double q[] = {1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3};
    return x + x * z * polynomial<double>(z, p) / polynomial<double>(z, q);
}

ELMAN_INLINE Vec<double> tanh_of(Vec<double> x) {
    Vec<double> a = magnitude<double>(x);
    Vec<double> large = with_sign_of<double>(1 - 2 / (1 + vexp<double>(a + a)), x);
    return choose<double>(a > spread(0.625), large, tanh_small(x, x * x));
}
ELMAN_INLINE Vec<float> tanh_of(Vec<float> x) {
    // one odd quotient of polynomials on the whole range, as in Eigen: half the cost of going through exp
    constexpr float p[] = {-2.76076847742355e-16f, 2.00018790482477e-13f, -8.60467152213735e-11f, 5.12229709037114e-08f,
                           1.48572235717979e-05f,  6.37261928875436e-04f, 4.89352455891786e-03f};
    constexpr float q[] = {1.19825839466702e-06f, 1.18534705686654e-04f, 2.26843463243900e-03f, 4.89352518554385e-03f};
    constexpr float end = 7.90531110763549805f, near = 0.0004f;
    Vec<float> c = limited<float>(x, -end, end);
    Vec<float> z = c * c;
    Vec<float> y = quotient<float>(c * polynomial<float>(z, p), polynomial<float>(z, q));
    y = choose<float>(magnitude<float>(x) < spread(near), x, y);
    return choose<float>(magnitude<float>(x) >= spread(9.0f), with_sign_of<float>(spread(1.0f), x), y);
}

template <class T>
ELMAN_INLINE Vec<T> vtanh(Vec<T> x) {
    return tanh_of(x);
}

// log(1 + f) for sqrt(1/2) - 1 <= f < sqrt(2) - 1, plus e ln 2
ELMAN_INLINE Vec<float> log_small(Vec<float> f, Vec<float> e) {
    constexpr float c[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f,
                           -1.6668057665e-1f, 2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    Vec<float> z = f * f;
    Vec<float> y = polynomial<float>(f, c) * (f * z) + e * Format<float>::ln2_low - 0.5f * z;
    return f + y + e * Format<float>::ln2_high;
}
ELMAN_INLINE Vec<double> log_small(Vec<double> f, Vec<double> e) {
    constexpr double p[] = {1.01875663804580931796e-4, 4.97494994976747001425e-1, 4.70579119878881725854e0,
                            1.44989225341610930846e1,  1.79368678507819816313e1,  7.70838733755885391666e0};
    constexpr double q[] = {1.0,
                            1.12873587189167450590e1,
                            4.52279145837532221105e1,
                            8.29875266912776603211e1,
                            7.11544750618563894466e1,
                            2.31251620126765340583e1};
    Vec<double> z = f * f;
    Vec<double> y = f * (z * polynomial<double>(f, p) / polynomial<double>(f, q));
    y = y - e * 2.121944400546905827679e-4 - 0.5 * z;
    return f + y + e * 0.693359375;
}

template <class T>
ELMAN_INLINE Vec<T> vlog(Vec<T> x) {
    using F = Format<T>;
    using I = typename BitsOf<T>::type;
    constexpr T inf = std::numeric_limits<T>::infinity();
    Bits<T> tiny = x < spread(std::numeric_limits<T>::min());
    constexpr T up = F::fraction == 23 ? T(16777216.0) : T(18014398509481984.0);  // 2^24, 2^54
    Vec<T> normal = choose<T>(tiny, x * up, x);
    Bits<T> raw = bits<T>(normal);
    Bits<T> exponent = (raw >> F::fraction) - (F::bias - 1);
    // the mantissa in [1/2, 1)
    Vec<T> m = number<T>((raw & ((I(1) << F::fraction) - 1)) | (I(F::bias - 1) << F::fraction));
    Vec<T> e = number<T>(exponent + bits<T>(spread(F::round))) - F::round;
    e = choose<T>(tiny, e - T(F::fraction + (F::fraction == 23 ? 1 : 2)), e);
    Bits<T> low = m < spread(T(0.70710678118654752440));
    e = choose<T>(low, e - T(1), e);
    Vec<T> y = log_small(choose<T>(low, m + m, m) - T(1), e);
    y = choose<T>(x == spread(T(0)), spread(-inf), y);
    y = choose<T>(x < spread(T(0)), spread(std::numeric_limits<T>::quiet_NaN()), y);
    return choose<T>(x < spread(inf), y, x);  // +inf and NaN are their own logarithm
}

template <class T>
ELMAN_INLINE Vec<T> vsoftplus(Vec<T> x) {
    // log(1 + e^x) = max(x, 0) + log(1 + u) with u = e^-|x| in 0..1; past sqrt(2) - 1, 1 + u = 2 (1 + (u - 1) / 2)
    Vec<T> u = vexp<T>(-magnitude<T>(x));
    Bits<T> half = u > spread(T(0.41421356237309504880));
    Vec<T> y = log_small(choose<T>(half, (u - T(1)) * T(0.5), u), choose<T>(half, spread(T(1)), spread(T(0))));
    return choose<T>(x > spread(T(20)), x, choose<T>(x > spread(T(0)), x + y, y));  // torch's threshold is 20
}

template <class T>
ELMAN_INLINE Vec<T> vsqrt(Vec<T> x) {
    Vec<T> r = x;
#if defined(__GNUC__) && !defined(ELMAN_PORTABLE)
#pragma GCC unroll 16
    for (int i = 0; i < lanes_of<T>; i++) r[i] = std::sqrt(x[i]);
#else
    for (int i = 0; i < lanes_of<T>; i++) r.v[i] = std::sqrt(x.v[i]);
#endif
    return r;
}

template <class T>
ELMAN_INLINE Vec<T> vmax(Vec<T> a, Vec<T> b) {  // NaN if either is, as torch
    return choose<T>(a > b, a, choose<T>(b >= a, b, a + b));
}
template <class T>
ELMAN_INLINE Vec<T> vmin(Vec<T> a, Vec<T> b) {
    return choose<T>(a < b, a, choose<T>(b <= a, b, a + b));
}

}  // namespace

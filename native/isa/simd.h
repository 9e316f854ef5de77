// One vector of a processor, whatever its width: the only file that knows how vectors are spelt.
//
// GCC and Clang have vectors as a language extension, which the optimiser understands better than intrinsics. Any other
// compiler (or -DELMAN_PORTABLE) gets the same interface over small arrays.
// Everything here has internal linkage: the file is compiled once for each instruction set, and a linker that merged
// the copies could hand AVX-512 code to a machine without it.
#pragma once

#include <cstdint>
#include <cstring>

#ifndef ELMAN_VECTOR_BYTES
#define ELMAN_VECTOR_BYTES 16
#endif

#if defined(__AVX512F__) && ELMAN_VECTOR_BYTES == 64 && !defined(ELMAN_PORTABLE)
#define ELMAN_AVX512
#endif
#if defined(__SSE4_1__) && !defined(ELMAN_PORTABLE)
#include <immintrin.h>
#endif

#if defined(__GNUC__)
#define ELMAN_INLINE static inline __attribute__((always_inline))
#define ELMAN_SPECIAL inline __attribute__((always_inline))  // a specialisation: static by its namespace
#else
#define ELMAN_INLINE static inline
#define ELMAN_SPECIAL inline
#endif

namespace {

template <class T>
struct BitsOf;
template <>
struct BitsOf<float> {
    using type = int32_t;
};
template <>
struct BitsOf<double> {
    using type = int64_t;
};

template <class T>
constexpr int lanes_of = ELMAN_VECTOR_BYTES / sizeof(T);

#if defined(__GNUC__) && !defined(ELMAN_PORTABLE)

template <class T>
struct VectorOf {
    typedef T type __attribute__((vector_size(ELMAN_VECTOR_BYTES)));
    typedef T unaligned __attribute__((vector_size(ELMAN_VECTOR_BYTES), aligned(sizeof(T)), may_alias));
};

template <class T>
using Vec = typename VectorOf<T>::type;
template <class T>
using Bits = typename VectorOf<typename BitsOf<T>::type>::type;

template <class T>
ELMAN_INLINE Vec<T> load(const T* p) {
    return *reinterpret_cast<const typename VectorOf<T>::unaligned*>(p);
}
template <class T>
ELMAN_INLINE void store(T* p, Vec<T> v) {
    *reinterpret_cast<typename VectorOf<T>::unaligned*>(p) = v;
}
template <class T>
ELMAN_INLINE Vec<T> spread(T v) {
    return v - Vec<T>{};  // the spelling that compiles to one broadcast; v - 0 is v, its sign included
}
template <class T>
ELMAN_INLINE Vec<T> choose(Bits<T> mask, Vec<T> yes, Vec<T> no) {
    return mask ? yes : no;
}
template <class T>
ELMAN_INLINE Bits<T> bits(Vec<T> v) {
    return reinterpret_cast<Bits<T>>(v);
}
template <class T>
ELMAN_INLINE Vec<T> number(Bits<T> v) {
    return reinterpret_cast<Vec<T>>(v);
}

#else

template <class E>
struct Lanes {
    static constexpr int n = ELMAN_VECTOR_BYTES / sizeof(E);
    E v[n];
    Lanes() : v{} {}
    Lanes(E e) {
        for (int i = 0; i < n; i++) v[i] = e;
    }
    E operator[](int i) const { return v[i]; }
};
template <class E, class F>
ELMAN_INLINE Lanes<E> each(const Lanes<E>& a, const Lanes<E>& b, F f) {
    Lanes<E> r;
    for (int i = 0; i < Lanes<E>::n; i++) r.v[i] = f(a.v[i], b.v[i]);
    return r;
}
#define ELMAN_LANEWISE(op)                                                            \
    template <class E>                                                                \
    ELMAN_INLINE Lanes<E> operator op(const Lanes<E>& a, const Lanes<E>& b) {         \
        return each(a, b, [](E x, E y) { return E(x op y); });                        \
    }                                                                                 \
    template <class E>                                                                \
    ELMAN_INLINE Lanes<E> operator op(const Lanes<E>& a, decltype(E() + E(0)) b) {    \
        return a op Lanes<E>(E(b));                                                   \
    }                                                                                 \
    template <class E>                                                                \
    ELMAN_INLINE Lanes<E> operator op(decltype(E() + E(0)) a, const Lanes<E>& b) {    \
        return Lanes<E>(E(a)) op b;                                                   \
    }
ELMAN_LANEWISE(+)
ELMAN_LANEWISE(-)
ELMAN_LANEWISE(*)
ELMAN_LANEWISE(/)
ELMAN_LANEWISE(&)
ELMAN_LANEWISE(|)
ELMAN_LANEWISE(<<)
ELMAN_LANEWISE(>>)
#undef ELMAN_LANEWISE
template <class E>
ELMAN_INLINE Lanes<E> operator-(const Lanes<E>& a) {
    return each(a, a, [](E x, E) { return E(-x); });
}
template <class E>
ELMAN_INLINE void operator+=(Lanes<E>& a, const Lanes<E>& b) {
    a = a + b;
}
#define ELMAN_COMPARE(op)                                                                              \
    template <class E>                                                                                 \
    ELMAN_INLINE Lanes<typename BitsOf<E>::type> operator op(const Lanes<E>& a, const Lanes<E>& b) {   \
        Lanes<typename BitsOf<E>::type> r;                                                             \
        for (int i = 0; i < Lanes<E>::n; i++) r.v[i] = a.v[i] op b.v[i] ? -1 : 0;                      \
        return r;                                                                                      \
    }
ELMAN_COMPARE(<)
ELMAN_COMPARE(<=)
ELMAN_COMPARE(>)
ELMAN_COMPARE(>=)
ELMAN_COMPARE(==)
#undef ELMAN_COMPARE

template <class T>
using Vec = Lanes<T>;
template <class T>
using Bits = Lanes<typename BitsOf<T>::type>;

template <class T>
ELMAN_INLINE Vec<T> load(const T* p) {
    Vec<T> v;
    std::memcpy(v.v, p, sizeof v.v);
    return v;
}
template <class T>
ELMAN_INLINE void store(T* p, Vec<T> v) {
    std::memcpy(p, v.v, sizeof v.v);
}
template <class T>
ELMAN_INLINE Vec<T> spread(T v) {
    return Vec<T>(v);
}
template <class T>
ELMAN_INLINE Vec<T> choose(Bits<T> mask, Vec<T> yes, Vec<T> no) {
    Vec<T> r;
    for (int i = 0; i < Vec<T>::n; i++) r.v[i] = mask.v[i] ? yes.v[i] : no.v[i];
    return r;
}
template <class T>
ELMAN_INLINE Bits<T> bits(Vec<T> v) {
    Bits<T> r;
    std::memcpy(r.v, v.v, sizeof v.v);
    return r;
}
template <class T>
ELMAN_INLINE Vec<T> number(Bits<T> v) {
    Vec<T> r;
    std::memcpy(r.v, v.v, sizeof v.v);
    return r;
}

#endif

#if defined(ELMAN_AVX512)

ELMAN_INLINE Vec<float> load_part(const float* p, long n) { return _mm512_maskz_loadu_ps(__mmask16((1u << n) - 1), p); }
ELMAN_INLINE Vec<double> load_part(const double* p, long n) { return _mm512_maskz_loadu_pd(__mmask8((1u << n) - 1), p); }
ELMAN_INLINE void store_part(float* p, Vec<float> v, long n) { _mm512_mask_storeu_ps(p, __mmask16((1u << n) - 1), v); }
ELMAN_INLINE void store_part(double* p, Vec<double> v, long n) { _mm512_mask_storeu_pd(p, __mmask8((1u << n) - 1), v); }

#else

// The first n < lanes elements at p, zeros behind them.
template <class T>
ELMAN_INLINE Vec<T> load_part(const T* p, long n) {
    T whole[lanes_of<T>] = {};
    std::memcpy(whole, p, n * sizeof(T));
    return load(whole);
}
template <class T>
ELMAN_INLINE void store_part(T* p, Vec<T> v, long n) {
    T whole[lanes_of<T>];
    store(whole, v);
    std::memcpy(p, whole, n * sizeof(T));
}

#endif

// The sum of a vector's elements.
#if defined(ELMAN_AVX512)
template <class T>
ELMAN_INLINE T total(Vec<float> v) {
    return _mm512_reduce_add_ps(v);
}
template <class T>
ELMAN_INLINE T total(Vec<double> v) {
    return _mm512_reduce_add_pd(v);
}
#else
template <class T>
ELMAN_INLINE T total(Vec<T> v) {
    T part[lanes_of<T>];
    store(part, v);
    for (int n = lanes_of<T> / 2; n; n /= 2)
        for (int i = 0; i < n; i++) part[i] += part[i + n];
    return part[0];
}
#endif

// As many whole numbers of 8 bits.
#if defined(__GNUC__) && !defined(ELMAN_PORTABLE)
template <class T>
struct WholeOf;
template <>
struct WholeOf<float> {
    typedef int8_t narrow __attribute__((vector_size(ELMAN_VECTOR_BYTES / 4)));
    typedef int32_t type __attribute__((vector_size(ELMAN_VECTOR_BYTES)));
};
template <>
struct WholeOf<double> {
    typedef int8_t narrow __attribute__((vector_size(ELMAN_VECTOR_BYTES / 8)));
    typedef int32_t type __attribute__((vector_size(ELMAN_VECTOR_BYTES / 2)));
};
template <class T>
ELMAN_INLINE Vec<T> load_eight(const int8_t* p) {
    typename WholeOf<T>::narrow v;
    std::memcpy(&v, p, sizeof v);
    return __builtin_convertvector(__builtin_convertvector(v, typename WholeOf<T>::type), Vec<T>);
}
// In float32 by instructions, where there are such: GCC 12 widens one number after the other.
#if defined(ELMAN_AVX512)
template <>
ELMAN_SPECIAL Vec<float> load_eight<float>(const int8_t* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
#elif defined(__AVX2__) && ELMAN_VECTOR_BYTES == 32
template <>
ELMAN_SPECIAL Vec<float> load_eight<float>(const int8_t* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
#elif defined(__SSE4_1__) && ELMAN_VECTOR_BYTES == 16
template <>
ELMAN_SPECIAL Vec<float> load_eight<float>(const int8_t* p) {
    int four;
    std::memcpy(&four, p, sizeof four);
    return _mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(four)));
}
#endif
#else
template <class T>
ELMAN_INLINE Vec<T> load_eight(const int8_t* p) {
    Vec<T> v;
    for (int i = 0; i < lanes_of<T>; i++) v.v[i] = T(p[i]);
    return v;
}
#endif

// A cache line that is about to be written; one that will be read before long, into the second-level cache.
#if defined(__GNUC__)
ELMAN_INLINE void fetch(const void* p) { __builtin_prefetch(p, 1, 3); }
ELMAN_INLINE void fetch_soon(const void* p) { __builtin_prefetch(p, 0, 2); }
#else
ELMAN_INLINE void fetch(const void*) {}
ELMAN_INLINE void fetch_soon(const void*) {}
#endif

}  // namespace

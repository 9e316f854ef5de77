// The additive score of one sequence: v . tanh(s_t + h_i) for each query t and each step i, and its derivative.
// What lies between has `width` numbers for each pair and is made in registers, forward and once more back.
#pragma once

#include "simd.h"
#include "vmath.h"

namespace {

// s (queries, width), h (steps, width), v (width,) -> scores (queries, steps)
template <class T>
void additive(const T* s, const T* h, const T* v, long queries, long steps, long width, T* scores) {
    constexpr int L = lanes_of<T>;
    const long rest = long(size_t(width) % L), whole = width - rest;
    for (long t = 0; t < queries; t++, s += width)
        for (long i = 0; i < steps; i++) {
            const T* from = h + i * width;
            Vec<T> sum{};
            for (long a = 0; a < whole; a += L) sum += load(v + a) * vtanh<T>(load(s + a) + load(from + a));
            if (rest)
                sum += load_part(v + whole, rest) * vtanh<T>(load_part(s + whole, rest) + load_part(from + whole, rest));
            scores[t * steps + i] = total<T>(sum);
        }
}

// Columns [a, a + n) of the derivative: one vector of ds_t and of dv stays in a register.
template <class T, class Load, class Store>
ELMAN_INLINE void additive_back_columns(const T* s, const T* h, const T* v, long queries, long steps, long width, const T* g,
                                        T* ds, T* dh, T* dv, Load load_at, Store store_at) {
    const Vec<T> weight = load_at(v);
    Vec<T> v_sum{};
    for (long i = 0; i < steps; i++) store_at(dh + i * width, Vec<T>{});
    for (long t = 0; t < queries; t++) {
        const Vec<T> query = load_at(s + t * width);
        Vec<T> s_sum{};
        for (long i = 0; i < steps; i++) {
            const T each = g[t * steps + i];
            if (each == 0) continue;  // nobody looked there: padding, whatever it holds
            const Vec<T> x = vtanh<T>(query + load_at(h + i * width));
            const Vec<T> d = (1 - x * x) * each;
            v_sum += x * each;
            s_sum += d;
            store_at(dh + i * width, load_at(dh + i * width) + d);
        }
        store_at(ds + t * width, s_sum * weight);
    }
    for (long i = 0; i < steps; i++) store_at(dh + i * width, load_at(dh + i * width) * weight);
    store_at(dv, v_sum);
}

// g (queries, steps), the gradient of the scores -> ds, dh and dv, all overwritten
template <class T>
void additive_back(const T* s, const T* h, const T* v, long queries, long steps, long width, const T* g, T* ds, T* dh, T* dv) {
    constexpr int L = lanes_of<T>;
    long a = 0;
    for (; a + L <= width; a += L)
        additive_back_columns(s + a, h + a, v + a, queries, steps, width, g, ds + a, dh + a, dv + a,
                              [](const T* p) { return load(p); }, [](T* p, Vec<T> x) { store(p, x); });
    if (const long rest = long(size_t(width) % L))
        additive_back_columns(s + a, h + a, v + a, queries, steps, width, g, ds + a, dh + a, dv + a,
                              [rest](const T* p) { return load_part(p, rest); }, [rest](T* p, Vec<T> x) { store_part(p, x, rest); });
}

}  // namespace

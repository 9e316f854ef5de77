// Products with a matrix in 8 bits: C (rows, n) += A (rows, k) @ M.T, each row of M being whole numbers -127..127 times a
// scale of its own. A and the sums stay in T: what is won is that a quarter of the bytes is read, and where few rows meet
// a matrix larger than the caches nothing else counts.
//
// The scales of all rows come first, zeros behind the last; then panels two vectors wide, as those of product.h: for each k
// the numbers of those rows side by side. An element of C is the same sum in the same order however many rows there are.
#pragma once

#include "product.h"

namespace {

#if ELMAN_VECTOR_BYTES == 64
constexpr int eight_rows = 4;  // with two vectors of M 8 sums; more rows than that meet it again in the first-level cache
#else
constexpr int eight_rows = 2;
#endif

template <class T>
size_t eight_bytes(long n, long k) {
    const size_t columns = size_t((n + panel_of<T> - 1) / panel_of<T>) * panel_of<T>;
    return (columns * (sizeof(T) + size_t(k)) + 63) / 64 * 64;
}

// To the nearest whole number, halves to the even one; |v| <= 127.
ELMAN_INLINE float whole(float v) { return v + 12582912.0f - 12582912.0f; }  // 1.5 * 2^23
ELMAN_INLINE double whole(double v) { return v + 6755399441055744.0 - 6755399441055744.0; }  // 1.5 * 2^52

// What the largest of a row is 127 of; no number where one of the row is none.
template <class T>
T scale_of(const T* row, long k, long by_k) {
    T most = 0, bad = 0;
    for (long i = 0; i < k; i++) {
        const T v = row[i * by_k], size = v < 0 ? -v : v;
        bad += v - v;
        if (size > most) most = size;
    }
    return most / 127 + bad;
}

template <class T>
void pack_eight(const T* m, long n, long k, long by_n, long by_k, void* to, long first, long last) {
    const long columns = (n + panel_of<T> - 1) / panel_of<T> * panel_of<T>;
    T* const scales = static_cast<T*>(to);
    int8_t* const panels = reinterpret_cast<int8_t*>(scales + columns);
    for (long at = first * panel_of<T>; at < last * panel_of<T>; at++) {
        int8_t* column = panels + at / panel_of<T> * panel_of<T> * k + at % panel_of<T>;
        const T* row = m + at * by_n;
        const T scale = at < n ? scale_of(row, k, by_k) : T(0);
        scales[at] = scale;
        for (long i = 0; i < k; i++, column += panel_of<T>) {
            const T v = scale > 0 ? row[i * by_k] / scale : T(0);  // of a scale with few digits more than 127
            *column = int8_t(whole(v > 127 ? T(127) : v < -127 ? T(-127) : v));
        }
    }
}

// R rows and P neighbouring panels.
template <class T, int R, int P>
ELMAN_INLINE void eight_tile(const T* a, long a_stride, const int8_t* m, const T* scales, long k, T* c, long c_stride, Start start,
                             const T* vector, long columns) {
    constexpr int L = lanes_of<T>, N = 2 * P;
    Vec<T> sum[R][N];
#pragma GCC unroll 12
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) sum[r][j] = Vec<T>{};
    for (long i = 0; i < k; i++) {
        Vec<T> w[N];
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) w[j] = load_eight<T>(m + (j / 2) * 2 * L * k + i * 2 * L + (j % 2) * L);
#pragma GCC unroll 12
        for (int r = 0; r < R; r++) {
            const Vec<T> e = spread(a[r * a_stride + i]);
#pragma GCC unroll 8
            for (int j = 0; j < N; j++) sum[r][j] += e * w[j];
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) {
            const long left = columns - j * L;
            T* to = c + r * c_stride + j * L;
            const T* from = start == Start::vector ? vector + j * L : to;
            Vec<T> v = sum[r][j] * load(scales + j * L);
            if (left >= L) {
                if (start != Start::zero) v += load(from);
                store(to, v);
            } else if (left > 0) {
                if (start != Start::zero) v += load_part(from, left);
                store_part(to, v, left);
            }
        }
}

template <class T>
void multiply_eight(const T* a, long a_stride, long rows, const void* eights, long n, long k, T* c, long c_stride, Start start,
                    const T* vector, long first, long last) {
    const T* const scales = static_cast<const T*>(eights);
    const int8_t* const panels = reinterpret_cast<const int8_t*>(scales + (n + panel_of<T> - 1) / panel_of<T> * panel_of<T>);
    for (long p = first; p < last;) {
        const long at = p * panel_of<T>, columns = n - at;
        const int8_t* m = panels + at * k;
        const T* from = vector + (start == Start::vector ? at : 0);
        if (rows == 1 && p + 4 <= last) {  // several panels at once, or the additions would wait for each other
            eight_tile<T, 1, 4>(a, a_stride, m, scales + at, k, c + at, c_stride, start, from, columns);
            p += 4;
            continue;
        }
        long r = 0;
        for (; r + eight_rows <= rows; r += eight_rows)
            eight_tile<T, eight_rows, 1>(a + r * a_stride, a_stride, m, scales + at, k, c + r * c_stride + at, c_stride, start, from, columns);
        for (; r < rows; r++) eight_tile<T, 1, 1>(a + r * a_stride, a_stride, m, scales + at, k, c + r * c_stride + at, c_stride, start, from, columns);
        p++;
    }
}

}  // namespace

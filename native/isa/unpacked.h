// Products with a matrix that is not packed: C (rows, n) += A (rows, k) @ M.T, where M is read as the caller keeps it.
//
// With few rows packing a matrix costs more than the product itself. M (n, k) may lie along k, as weights do on the way
// forward: then C is made of dot products. Or along n, as the same weights do on the way back, transposed: then C is a sum
// of M's lines, taken a few lines at a time, so that they are read one after the other.
#pragma once

#include "product.h"

namespace {

// R rows by N columns of C, as dot products along k.
template <class T, int R, int N>
ELMAN_INLINE void dot_tile(const T* a, long a_stride, const T* m, long by_n, long k, T* c, long c_stride, Start start, const T* vector) {
    constexpr int L = lanes_of<T>;
    Vec<T> sum[R][N];
#pragma GCC unroll 12
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) sum[r][j] = Vec<T>{};
    const auto add = [&](auto part, long i) {
        Vec<T> v[R];
#pragma GCC unroll 12
        for (int r = 0; r < R; r++) v[r] = part(a + r * a_stride + i);
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) {
            const Vec<T> w = part(m + j * by_n + i);
#pragma GCC unroll 12
            for (int r = 0; r < R; r++) sum[r][j] += v[r] * w;
        }
    };
    long i = 0;
    for (; i + L <= k; i += L) add([](const T* p) { return load(p); }, i);
    if (i < k) add([left = k - i](const T* p) { return load_part(p, left); }, i);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) {
            T* to = c + r * c_stride + j;
            *to = total<T>(sum[r][j]) + (start == Start::add ? *to : start == Start::vector ? vector[j] : T(0));
        }
}

#if ELMAN_VECTOR_BYTES == 64
constexpr int dot_rows = 4, dot_columns = 4;  // 16 sums, 4 + 1 operands of 32 registers; more sums than that gain nothing
#elif defined(__AVX2__)
constexpr int dot_rows = 2, dot_columns = 4;  // 8 sums, 2 + 1 operands of 16 registers
#else
constexpr int dot_rows = 2, dot_columns = 2;
#endif

template <class T, int N>
void dots(const T* a, long a_stride, long rows, const T* m, long by_n, long k, T* c, long c_stride, Start start, const T* vector) {
    long r = 0;
    for (; r + dot_rows <= rows; r += dot_rows) dot_tile<T, dot_rows, N>(a + r * a_stride, a_stride, m, by_n, k, c + r * c_stride, c_stride, start, vector);
    for (; r < rows; r++) dot_tile<T, 1, N>(a + r * a_stride, a_stride, m, by_n, k, c + r * c_stride, c_stride, start, vector);
}

// R rows by N vectors of C, += `lines` lines of M.
template <class T, int R, int N>
ELMAN_INLINE void line_tile(const T* a, long a_stride, const T* m, long by_k, long lines, T* c, long c_stride, Start start, const T* vector, long columns) {
    constexpr int L = lanes_of<T>;
    Vec<T> sum[R][N];
    const bool whole = columns == N * L;
    const auto part = [&](const T* p, int j) {
        const long left = columns - j * L;
        return whole || left >= L ? load(p + j * L) : left > 0 ? load_part(p + j * L, left) : Vec<T>{};
    };
#pragma GCC unroll 12
    for (int r = 0; r < R; r++)
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) sum[r][j] = start == Start::zero ? Vec<T>{} : part(start == Start::vector ? vector : c + r * c_stride, j);
    for (long i = 0; i < lines; i++) {
        Vec<T> w[N];
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) w[j] = part(m + i * by_k, j);
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
            if (whole || left >= L)
                store(to, sum[r][j]);
            else if (left > 0)
                store_part(to, sum[r][j], left);
        }
}

constexpr long lines_at_once = 16;  // of M: as many streams as a processor follows

// All rows: R at a time, N vectors of C wide.
template <class T, int R, int N>
void lines(const T* a, long a_stride, long rows, const T* m, long by_k, long k, T* c, long c_stride, Start start, const T* vector, long n) {
    constexpr long width = N * lanes_of<T>;
    for (long i = 0; i < k; i += lines_at_once) {
        const long some = k - i < lines_at_once ? k - i : lines_at_once;
        for (long at = 0; at < n; at += width) {
            const long columns = n - at < width ? n - at : width;
            const T* from = vector + (start == Start::vector ? at : 0);
            long r = 0;
            for (; r + R <= rows; r += R)
                line_tile<T, R, N>(a + r * a_stride + i, a_stride, m + i * by_k + at, by_k, some, c + r * c_stride + at, c_stride, start, from, columns);
            for (; r < rows; r++)
                line_tile<T, 1, N>(a + r * a_stride + i, a_stride, m + i * by_k + at, by_k, some, c + r * c_stride + at, c_stride, start, from, columns);
        }
        start = Start::add;
    }
}

template <class T>
void multiply_unpacked(const T* a, long a_stride, long rows, const T* m, long n, long k, long by_n, long by_k, T* c, long c_stride,
                       Start start, const T* vector, long first, long last) {
    const long from = first * panel_of<T>, to = last * panel_of<T> < n ? last * panel_of<T> : n;
    if (start != Start::vector) vector = nullptr;
    if (by_k == 1) {
        long j = from;
        for (; j + dot_columns <= to; j += dot_columns)
            dots<T, dot_columns>(a, a_stride, rows, m + j * by_n, by_n, k, c + j, c_stride, start, vector ? vector + j : vector);
        for (; j < to; j++) dots<T, 1>(a, a_stride, rows, m + j * by_n, by_n, k, c + j, c_stride, start, vector ? vector + j : vector);
    } else if (from < to) {
        const T* v = vector ? vector + from : vector;
        if (rows == 1)
            lines<T, 1, 4>(a, a_stride, rows, m + from, by_k, k, c + from, c_stride, start, v, to - from);
        else
            lines<T, 4, 2>(a, a_stride, rows, m + from, by_k, k, c + from, c_stride, start, v, to - from);
    }
}

}  // namespace

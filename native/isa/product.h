// Matrix products: C (rows, n) += A (rows, k) @ M.T, with M packed.
//
// Packing: M's rows (the columns of C) are cut into panels of two vectors' width; a panel holds, for each k, those
// elements side by side. The innermost loop then reads the panel from end to end, multiplies each vector by one
// broadcast element of A, and keeps a tile of C in registers: for every k it loads 2 vectors and makes 2 R products.
// A last panel that needs only one vector is one vector wide.
#pragma once

#include "../kernels.h"
#include "simd.h"

namespace {

using elman::Ahead;
using elman::Start;
using elman::Term;

#if ELMAN_VECTOR_BYTES == 64
constexpr int tile_rows = 12;  // 24 accumulators of 32 registers
#elif defined(__AVX2__)
constexpr int tile_rows = 6;  // 12 accumulators, two of the panel, one of A: 15 of 16 registers
#else
constexpr int tile_rows = 4;
#endif

template <class T>
constexpr int panel_of = 2 * lanes_of<T>;

// Columns in the panel that starts at column `at` of n, counted in vectors.
template <class T>
ELMAN_INLINE int vectors_in(long n, long at) {
    return n - at > lanes_of<T> ? 2 : 1;
}

template <class T>
size_t packed_size(long n, long k) {
    return size_t((n + panel_of<T> - 1) / panel_of<T>) * panel_of<T> * k;
}

template <class T>
void pack(const T* m, long n, long k, long by_n, long by_k, T* to, long first, long last) {
    for (long p = first; p < last; p++) {
        long at = p * panel_of<T>, width = vectors_in<T>(n, at) * lanes_of<T>;
        long real = n - at < width ? n - at : width;
        T* panel = to + at * k;
        if (by_n == 1) {
            for (long i = 0; i < k; i++) {
                const T* from = m + at + i * by_k;
                for (long j = 0; j < real; j++) panel[i * width + j] = from[j];
                for (long j = real; j < width; j++) panel[i * width + j] = 0;
            }
            continue;
        }
        for (long i0 = 0; i0 < k; i0 += 16) {  // squares of 16: neither side strides over the whole matrix
            long i1 = i0 + 16 < k ? i0 + 16 : k;
            for (long j = 0; j < real; j++) {
                const T* from = m + (at + j) * by_n;
                for (long i = i0; i < i1; i++) panel[i * width + j] = from[i * by_k];
            }
            for (long j = real; j < width; j++)
                for (long i = i0; i < i1; i++) panel[i * width + j] = 0;
        }
    }
}

// How a sum goes on.
struct Single {
    template <class T>
    ELMAN_INLINE void add(T& sum, T e, T m) {
        sum += e * m;
    }
};

// R rows and P neighbouring panels of V vectors each. nearer: bytes, for every element of k, to the line that is brought
// nearer the processor when `ahead` has nothing more.
template <class T, int R, int P, int V, class How>
ELMAN_INLINE void tile(const Term<T>* terms, int count, long row, long column, T* c, long c_stride, Start start,
                       const T* vector, long columns, Ahead* ahead, int nearer = 0) {
    constexpr int L = lanes_of<T>, N = P * V;
    // All loops over the tile are unrolled: an accumulator whose number is not constant lives in memory.
    Vec<T> sum[R][N];
    const bool whole = columns == N * L;
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
        const T* from = start == Start::vector ? vector : c + r * c_stride;
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) {
            const long left = columns - j * L;
            if (start == Start::zero)
                sum[r][j] = Vec<T>{};
            else
                sum[r][j] = whole || left >= L ? load(from + j * L) : left > 0 ? load_part(from + j * L, left) : Vec<T>{};
        }
    }
    for (int t = 0; t < count; t++) {
        const long k = terms[t].k, stride = terms[t].a_stride;
        const T* a = terms[t].a + row * stride;
        const T* b = terms[t].panels + column * k;
        const char* soon = ahead ? ahead->take(k) : nullptr;
        if (!soon) soon = reinterpret_cast<const char*>(b) + nearer * k;  // at 0 it is there already: costs nothing
#pragma GCC unroll 2
        for (long i = 0; i < k; i++) {
            fetch_soon(soon + 64 * i);
            Vec<T> m[N];
#pragma GCC unroll 8
            for (int p = 0; p < P; p++)
#pragma GCC unroll 2
                for (int j = 0; j < V; j++) m[p * V + j] = load(b + p * (V * L) * k + i * (V * L) + j * L);
#pragma GCC unroll 12
            for (int r = 0; r < R; r++) {
                Vec<T> e = spread(a[r * stride + i]);
#pragma GCC unroll 8
                for (int j = 0; j < N; j++) How::add(sum[r][j], e, m[j]);
            }
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

// `rows` rows, in blocks as equal as they come: 16 rows are 6 + 5 + 5, not 6 + 6 + 4.
template <class T, int V, class How>
void panel_down(const Term<T>* terms, int count, long rows, long column, T* c, long c_stride, Start start, const T* vector,
                long columns, Ahead* ahead) {
    long blocks = (rows + tile_rows - 1) / tile_rows, row = 0;
    for (long i = 0; i < blocks; i++) {
        long height = (rows - row + blocks - i - 1) / (blocks - i);
        T* at = c + row * c_stride;
        // The blocks bring the next panel nearer, a line of it for each element of k; with one block alone nothing is gained.
        // Weights larger than the second-level cache come from the third at every step: that was a sixth of the time.
        constexpr int wide = V * lanes_of<T> * int(sizeof(T));
        const int nearer = blocks > 1 && 64 * i < wide ? wide + 64 * int(i) : 0;
        switch (height) {
#define ELMAN_HEIGHT(R)                                                                              \
    case R:                                                                                          \
        if constexpr (R <= tile_rows) tile<T, R, 1, V, How>(terms, count, row, column, at, c_stride, start, vector, columns, ahead, nearer); \
        break;
            ELMAN_HEIGHT(1) ELMAN_HEIGHT(2) ELMAN_HEIGHT(3) ELMAN_HEIGHT(4) ELMAN_HEIGHT(5) ELMAN_HEIGHT(6)
            ELMAN_HEIGHT(7) ELMAN_HEIGHT(8) ELMAN_HEIGHT(9) ELMAN_HEIGHT(10) ELMAN_HEIGHT(11) ELMAN_HEIGHT(12)
#undef ELMAN_HEIGHT
        }
        row += height;
    }
}

template <class T, class How = Single>
void multiply(const Term<T>* terms, int count, long rows, long n, T* c, long c_stride, Start start, const T* vector, long first,
              long last, Ahead* ahead) {
    constexpr int L = lanes_of<T>;
    for (long p = first; p < last;) {
        long at = p * panel_of<T>;
        const T* from = vector + (start == Start::vector ? at : 0);
        // few rows: several panels at once, or the additions would wait for each other
        if (rows == 1 && p + 4 <= last && n - at >= 4 * panel_of<T>) {
            tile<T, 1, 4, 2, How>(terms, count, 0, at, c + at, c_stride, start, from, 8 * L, ahead);
            p += 4;
        } else if (rows == 1 && p + 2 <= last && n - at >= 2 * panel_of<T>) {
            tile<T, 1, 2, 2, How>(terms, count, 0, at, c + at, c_stride, start, from, 4 * L, ahead);
            p += 2;
        } else if (rows == 2 && p + 2 <= last && n - at >= 2 * panel_of<T>) {
            tile<T, 2, 2, 2, How>(terms, count, 0, at, c + at, c_stride, start, from, 4 * L, ahead);
            p += 2;
        } else {
            long columns = n - at < panel_of<T> ? n - at : panel_of<T>;
            if (vectors_in<T>(n, at) == 2)
                panel_down<T, 2, How>(terms, count, rows, at, c + at, c_stride, start, from, columns, ahead);
            else
                panel_down<T, 1, How>(terms, count, rows, at, c + at, c_stride, start, from, columns, ahead);
            p++;
        }
    }
}

}  // namespace

// Weight gradients: G (n, k) += D.T @ V, the sum over steps and rows of delta v^T, as one product over many rows.
//
// D is packed into strips of a few columns and V into panels, both with the row as the long axis, so that the inner
// loop is that of product.h with rows in the place of k.
#pragma once

#include "product.h"

namespace {

// A few rows at a time, so that D is read along its rows and every strip written along its length.
template <class T>
void pack_strips(const T* d, long rows, long n, T* to) {
    constexpr long several = 16;
    constexpr int L = lanes_of<T>, V = tile_rows / L, rest = tile_rows % L;
    for (long r0 = 0; r0 < rows; r0 += several) {
        const long r1 = r0 + several < rows ? r0 + several : rows;
        for (long at = 0; at < n; at += tile_rows) {
            T* strip = to + at * rows;
            if (n - at >= tile_rows) {
                for (long r = r0; r < r1; r++) {
                    const T* from = d + r * n + at;
                    T* into = strip + r * tile_rows;
                    for (int j = 0; j < V; j++) store(into + j * L, load(from + j * L));
                    if (rest) store_part(into + V * L, load_part(from + V * L, rest), rest);
                }
            } else {
                const long width = n - at;
                for (long r = r0; r < r1; r++)
                    for (long i = 0; i < width; i++) strip[r * width + i] = d[r * n + at + i];
            }
        }
    }
}

// One strip of R columns of D against one panel.
template <class T, int R, int V, class How>
ELMAN_INLINE void outer_tile(const T* strip, const T* panel, long rows, T* g, long k, long columns, bool add) {
    constexpr int L = lanes_of<T>;
    Vec<T> sum[R][V];
#pragma GCC unroll 12
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int j = 0; j < V; j++) sum[r][j] = Vec<T>{}, fetch(g + r * k + j * L);  // G is larger than the nearest caches
#pragma GCC unroll 2
    for (long i = 0; i < rows; i++) {
        Vec<T> v[V];
#pragma GCC unroll 2
        for (int j = 0; j < V; j++) v[j] = load(panel + (i * V + j) * L);
#pragma GCC unroll 12
        for (int r = 0; r < R; r++) {
            Vec<T> e = spread(strip[i * R + r]);
#pragma GCC unroll 2
            for (int j = 0; j < V; j++) How::add(sum[r][j], e, v[j]);
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int j = 0; j < V; j++) {
            T* to = g + r * k + j * L;
            const long left = columns - j * L;
            if (left >= L)
                store(to, add ? load(to) + sum[r][j] : sum[r][j]);
            else if (left > 0)
                store_part(to, add ? load_part(to, left) + sum[r][j] : sum[r][j], left);
        }
}

template <class T, int V, class How = Single>
void outer_panel(const T* strips, const T* panel, long rows, long n, T* g, long k, long columns, bool add) {
    for (long at = 0; at < n; at += tile_rows) {
        const T* strip = strips + at * rows;
        T* to = g + at * k;
        switch (n - at < tile_rows ? n - at : tile_rows) {
#define ELMAN_HEIGHT(R) \
    case R:             \
        if constexpr (R <= tile_rows) outer_tile<T, R, V, How>(strip, panel, rows, to, k, columns, add); \
        break;
            ELMAN_HEIGHT(1) ELMAN_HEIGHT(2) ELMAN_HEIGHT(3) ELMAN_HEIGHT(4) ELMAN_HEIGHT(5) ELMAN_HEIGHT(6)
            ELMAN_HEIGHT(7) ELMAN_HEIGHT(8) ELMAN_HEIGHT(9) ELMAN_HEIGHT(10) ELMAN_HEIGHT(11) ELMAN_HEIGHT(12)
#undef ELMAN_HEIGHT
        }
    }
}

// room: panel_of<T> * rows elements.
template <class T>
void outer(const elman::Gradient<T>* gradients, int count, const elman::Rows<T>& v, long row, long rows, long k, T* room, long first, long last) {
    for (long p = first; p < last; p++) {
        long at = p * panel_of<T>, width = vectors_in<T>(k, at) * lanes_of<T>;
        long columns = k - at < width ? k - at : width;
        for (long r = 0; r < rows;) {  // a panel of V, from as many stretches as its rows lie in
            long in_stretch = (row + r) % v.stretch, end = r + v.stretch - in_stretch < rows ? r + v.stretch - in_stretch : rows;
            const T* from = v.at + (row + r) / v.stretch * v.step + in_stretch * v.stride + at;
            for (; r < end; r++, from += v.stride)
                if (columns == width)
                    for (long j = 0; j < width; j += lanes_of<T>) store(room + r * width + j, load(from + j));
                else
                    for (long j = 0; j < width; j++) room[r * width + j] = j < columns ? from[j] : T(0);
        }
        for (const elman::Gradient<T>*g = gradients, *end = g + count; g < end; g++)
            if (width == panel_of<T>)
                outer_panel<T, 2>(g->strips, room, rows, g->n, g->at + at, k, columns, g->add);
            else
                outer_panel<T, 1>(g->strips, room, rows, g->n, g->at + at, k, columns, g->add);
    }
}

template <class T>
void column_sum(const T* d, long rows, long n, T* sum) {
    constexpr int L = lanes_of<T>;
    for (long j = 0; j < n; j += 4 * L) {
        long left = n - j;
        if (left >= 4 * L) {
            Vec<T> s[4] = {};
            for (long r = 0; r < rows; r++)
                for (int i = 0; i < 4; i++) s[i] = s[i] + load(d + r * n + j + i * L);
            for (int i = 0; i < 4; i++) store(sum + j + i * L, load(sum + j + i * L) + s[i]);
        } else
            for (long q = j; q < n; q++) {
                T s = 0;
                for (long r = 0; r < rows; r++) s += d[r * n + q];
                sum[q] += s;
            }
    }
}

}  // namespace

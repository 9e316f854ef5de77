// Products of numbers rounded to bfloat16, the upper half of a float, with sums in single precision: the processor multiplies
// two pairs of such numbers and adds both products in one instruction, twice what it does with floats.
//
// The tiles are those of product.h and outer.h; what they read are pairs, in the bits of a float: along k in a product, along
// the rows in a weight gradient. An odd last number has a zero beside it.
#pragma once

#include "outer.h"

namespace {

using elman::pairs;

#if defined(__AVX512BF16__) && ELMAN_VECTOR_BYTES == 64
#define ELMAN_BFLOAT16
#endif

struct Halved {
    ELMAN_INLINE void add(Vec<float>& sum, Vec<float> e, Vec<float> m) {
#if defined(ELMAN_BFLOAT16)
        sum = reinterpret_cast<Vec<float>>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sum), reinterpret_cast<__m512bh>(e), reinterpret_cast<__m512bh>(m)));
#else  // the same elsewhere, for tests
        const Bits<float> upper = bits<float>(Vec<float>{}) - 65536;
        sum += number<float>(bits<float>(e) << 16) * number<float>(bits<float>(m) << 16);
        sum += number<float>(bits<float>(e) & upper) * number<float>(bits<float>(m) & upper);
#endif
    }
};

// The numbers of each to the nearest, halves to the even one, side by side: `a` is the first of the pair. What is no number
// stays none.
ELMAN_INLINE Vec<float> paired(Vec<float> a, Vec<float> b) {
#if defined(ELMAN_BFLOAT16)
    const __m512i low = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(a))));
    const __m512i high = _mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(b))));
    return reinterpret_cast<Vec<float>>(_mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
#else
    const auto rounded = [](Vec<float> v) {
        const Bits<float> is = bits<float>(v);
        const Bits<float> there = v == v;  // to no number nothing is added: it may have no bit left to carry into
        return (is & there) + ((0x7fff + ((is >> 16) & 1)) & there) + ((is | 0x400000) & ~there);
    };
    return number<float>(((rounded(a) >> 16) & 0xffff) | (rounded(b) & (bits<float>(Vec<float>{}) - 65536)));
#endif
}

ELMAN_INLINE Vec<float> load_some(const float* p, long left) {
    constexpr int L = lanes_of<float>;
    return left >= L ? load(p) : left > 0 ? load_part(p, left) : Vec<float>{};
}

// Two vectors of numbers side by side in memory, of which `left` are there, as pairs of neighbours.
ELMAN_INLINE Vec<float> neighbours(const float* p, long left) {
    constexpr int L = lanes_of<float>;
    const Vec<float> a = load_some(p, left), b = load_some(p + L, left - L);
#if defined(ELMAN_BFLOAT16)
    return reinterpret_cast<Vec<float>>(_mm512_cvtne2ps_pbh(reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(a)));
#else
    float both[2 * L], first[L], second[L];
    store(both, a), store(both + L, b);
    for (int i = 0; i < L; i++) first[i] = both[2 * i], second[i] = both[2 * i + 1];
    return paired(load(first), load(second));
#endif
}

ELMAN_INLINE void store_some(float* p, Vec<float> v, long left) {
    if (left >= lanes_of<float>)
        store(p, v);
    else
        store_part(p, v, left);
}

void round_rows(const float* a, long a_stride, long rows, long k, float* to) {
    constexpr int L = lanes_of<float>;
    const long held = pairs(k);
    for (long r = 0; r < rows; r++, a += a_stride, to += held)
        for (long i = 0; i < held; i += L) store_some(to + i, neighbours(a + 2 * i, k - 2 * i), held - i);
}

void pack_halves(const float* m, long n, long k, long by_n, long by_k, float* to, long first, long last) {
    constexpr int L = lanes_of<float>;
    const long held = pairs(k);
    for (long p = first; p < last; p++) {
        const long at = p * panel_of<float>, width = vectors_in<float>(n, at) * L, real = n - at < width ? n - at : width;
        float* const panel = to + at * held;
        if (by_n == 1) {
            for (long i = 0; i < held; i++)
                for (long j = 0; j < width; j += L) {
                    const float* from = m + at + j + 2 * i * by_k;
                    const Vec<float> next = 2 * i + 1 < k ? load_some(from + by_k, real - j) : Vec<float>{};
                    store(panel + i * width + j, paired(load_some(from, real - j), next));
                }
            continue;
        }
        for (long i = 0; i < held; i += L) {
            const long some = held - i < L ? held - i : L;
            for (long j = 0; j < real; j++) {
                float found[L];
                store(found, neighbours(m + (at + j) * by_n + 2 * i, k - 2 * i));
                for (long q = 0; q < some; q++) std::memcpy(panel + (i + q) * width + j, found + q, sizeof(float));
            }
            for (long q = 0; q < some; q++)
                for (long j = real; j < width; j++) panel[(i + q) * width + j] = 0;
        }
    }
}

void pack_strips_halves(const float* d, long rows, long n, float* to) {
    static_assert(tile_rows <= lanes_of<float>, "a line of a strip is one vector");
    constexpr long several = 16;
    const long held = pairs(rows);
    for (long i0 = 0; i0 < held; i0 += several) {
        const long i1 = i0 + several < held ? i0 + several : held;
        for (long at = 0; at < n; at += tile_rows) {
            const long width = n - at < tile_rows ? n - at : tile_rows;
            for (long i = i0; i < i1; i++) {
                const float* from = d + 2 * i * n + at;
                const Vec<float> next = 2 * i + 1 < rows ? load_part(from + n, width) : Vec<float>{};
                store_part(to + at * held + i * width, paired(load_part(from, width), next), width);
            }
        }
    }
}

// room: panel_of<float> * pairs(rows) elements.
void outer_halves(const elman::Gradient<float>* gradients, int count, const elman::Rows<float>& v, long row, long rows, long k, float* room,
                  long first, long last) {
    constexpr int L = lanes_of<float>;
    const long held = pairs(rows);
    const bool together = row % v.stretch + rows <= v.stretch;
    const float* const begin = v.at + row / v.stretch * v.step + row % v.stretch * v.stride;
    for (long p = first; p < last; p++) {
        const long at = p * panel_of<float>, width = vectors_in<float>(k, at) * L, columns = k - at < width ? k - at : width;
        const auto line = [&](long r) {
            return at + (together ? begin + r * v.stride : v.at + (row + r) / v.stretch * v.step + (row + r) % v.stretch * v.stride);
        };
        for (long i = 0; i < held; i++) {
            const float *a = line(2 * i), *b = 2 * i + 1 < rows ? line(2 * i + 1) : nullptr;
            for (long j = 0; j < width; j += L)
                store(room + i * width + j, paired(load_some(a + j, columns - j), b ? load_some(b + j, columns - j) : Vec<float>{}));
        }
        for (const elman::Gradient<float>*g = gradients, *end = g + count; g < end; g++)
            if (width == panel_of<float>)
                outer_panel<float, 2, Halved>(g->strips, room, held, g->n, g->at + at, k, columns, g->add);
            else
                outer_panel<float, 1, Halved>(g->strips, room, held, g->n, g->at + at, k, columns, g->add);
    }
}

}  // namespace

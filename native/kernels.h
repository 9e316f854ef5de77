// What one instruction set offers: a table of functions, filled once for each set in isa/kernels.cpp.
//
// Letters as in the rest of Elman: a product is  C (rows, n) += A (rows, k) @ M.T  with M (n, k) packed into panels.
#pragma once

#include <cstddef>
#include <cstdint>

namespace elman {

// One term of a sum of products: A's rows, and the panels of a packed matrix.
template <class T>
struct Term {
    const T* a;
    long a_stride;  // elements from one row of A to the next
    const T* panels;
    long k;
};

// Rows that lie in stretches of equal length: `stretch` rows `stride` apart, the next stretch `step` elements on.
template <class T>
struct Rows {
    const T* at;
    long stride, stretch, step;
};

// A weight gradient G (n, k): where it is, the strips of its D, and whether something stands there to be added to.
template <class T>
struct Gradient {
    const T* strips;
    long n;
    T* at;
    bool add;
};

// Memory that will be read soon. Products have time to spare in their loads: they bring it nearer, a line at a time.
class Ahead {
public:
    static constexpr int most = 16;
    void add(const void* at, long bytes) {
        if (count_ < most) stretches_[count_++] = {static_cast<const char*>(at), (bytes + 63) / 64};
    }
    // Where the next `lines` lines begin (what lies behind a stretch is fetched in vain); null when all are taken.
    const char* take(long lines) {
        if (now_ == count_) return nullptr;
        Stretch& s = stretches_[now_];
        const char* at = s.at;
        s.at += 64 * lines, s.lines -= lines;
        if (s.lines <= 0) now_++;
        return at;
    }

private:
    struct Stretch {
        const char* at;
        long lines;
    };
    Stretch stretches_[most];
    int count_ = 0, now_ = 0;
};

enum class Start : int { zero, add, vector };  // what C holds before the sum: nothing, itself, the same vector in each row

// One step of a pointwise program: operands are slot numbers.
struct Instruction {
    int op, d, a, b, c;
    int narrow;        // works on one number a row instead of on whole rows
    double immediate;  // the exponent of pow
};

enum class SlotKind : int { reg, plane, column, vector };  // block register; (rows, W); (rows, 1); (W,) for every row

template <class T>
struct Kernels {
    int panel;       // columns of C that one panel makes
    int block;       // elements that a pointwise instruction works on at a time
    int outer_rows;  // rows of a weight gradient made at once

    // Elements that an (n, k) matrix takes in panels.
    size_t (*packed_size)(long n, long k);
    // Panels [first, last) of M (n, k): M[j][i] lies at m[j * by_n + i * by_k].
    void (*pack)(const T* m, long n, long k, long by_n, long by_k, T* to, long first, long last);
    // Panels [first, last) of C, and `ahead` (may be null) nearer to the processor.
    void (*multiply)(const Term<T>* terms, int count, long rows, long n, T* c, long c_stride, Start start, const T* vector,
                     long first, long last, Ahead* ahead);
    // The same for one term, and M (n, k) that is not packed: M[j][i] lies at m[j * by_n + i * by_k], and one of the two is 1.
    void (*multiply_unpacked)(const T* a, long a_stride, long rows, const T* m, long n, long k, long by_n, long by_k, T* c,
                              long c_stride, Start start, const T* vector, long first, long last);
    // Rows of D (rows, n), cut into strips of outer_rows columns, for `outer`.
    void (*pack_strips)(const T* d, long rows, long n, T* to);
    // Each G (n, k) = or += D.T @ V over rows [row, row + rows), V (rows, k). Columns [first, last) of the panels of V.
    void (*outer)(const Gradient<T>* gradients, int count, const Rows<T>& v, long row, long rows, long k, T* room, long first, long last);
    void (*column_sum)(const T* d, long rows, long n, T* sum);
    // Columns [first, last) of `rows` rows. base: where each slot's value begins; a vector repeats for `block` elements.
    // at: room for as many places.
    void (*pointwise)(const Instruction* code, int count, T* const* base, T** at, const SlotKind* kind, int slots, long rows,
                      long width, long first, long last);
    // The additive score of one sequence and its derivative, see isa/additive.h.
    void (*additive)(const T* s, const T* h, const T* v, long queries, long steps, long width, T* scores);
    void (*additive_back)(const T* s, const T* h, const T* v, long queries, long steps, long width, const T* g, T* ds, T* dh, T* dv);
    // The same as packed_size in bytes, pack and multiply_unpacked for a matrix in 8 bits, see isa/eight.h.
    size_t (*eight_bytes)(long n, long k);
    void (*pack_eight)(const T* m, long n, long k, long by_n, long by_k, void* to, long first, long last);
    void (*multiply_eight)(const T* a, long a_stride, long rows, const void* eights, long n, long k, T* c, long c_stride, Start start,
                           const T* vector, long first, long last);
};

// Products of numbers rounded to bfloat16, summed in single precision, see isa/halves.h: what `Kernels` has, of pairs. A pair
// is two such numbers in the bits of a float, and where `k` or `rows` run along the sum, two of them make one pair.
struct Halves {
    void (*pack)(const float* m, long n, long k, long by_n, long by_k, float* to, long first, long last);
    // Rows of A as `pairs(k)` each, one after the other.
    void (*round)(const float* a, long a_stride, long rows, long k, float* to);
    // As Kernels::multiply; terms are of pairs, and their k counts them.
    void (*multiply)(const Term<float>* terms, int count, long rows, long n, float* c, long c_stride, Start start, const float* vector,
                     long first, long last, Ahead* ahead);
    void (*pack_strips)(const float* d, long rows, long n, float* to);
    void (*outer)(const Gradient<float>* gradients, int count, const Rows<float>& v, long row, long rows, long k, float* room, long first, long last);
};

inline long pairs(long k) { return (k + 1) / 2; }

template <class T>
long panels_of(const Kernels<T>& k, long n) {
    return (n + k.panel - 1) / k.panel;
}

// A product over a long k is made in pieces of this length, each packed on its own: a piece's panel and the rows that meet
// it stay in the second-level cache.
inline long depth(long k) {
    constexpr long most = 512;
    const long pieces = (k + most - 1) / most;
    return (k + pieces - 1) / pieces;
}

// Pairs in all pieces of a long k.
inline long pairs_in_pieces(long k) {
    const long deep = depth(k);
    return k / deep * pairs(deep) + pairs(k % deep);
}

struct InstructionSet {
    const char* name;
    const Kernels<float>* f32;
    const Kernels<double>* f64;
};

// The best set this processor has, or the one that ELMAN_ISA names (null: no such set here).
const InstructionSet* instruction_set();
const Halves* halves(const InstructionSet& set);  // null where this processor does not multiply bfloat16
const char* instruction_sets();  // those this processor can run, best first, comma-separated

template <class T>
const Kernels<T>& kernels(const InstructionSet& set);
template <>
inline const Kernels<float>& kernels(const InstructionSet& set) {
    return *set.f32;
}
template <>
inline const Kernels<double>& kernels(const InstructionSet& set) {
    return *set.f64;
}

}  // namespace elman

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
    // Panels [first, last) of C.
    void (*multiply)(const Term<T>* terms, int count, long rows, long n, T* c, long c_stride, Start start, const T* vector,
                     long first, long last);
    // Rows of D (rows, n), cut into strips of outer_rows columns, for `outer`.
    void (*pack_strips)(const T* d, long rows, long n, T* to);
    // G (n, k) += D.T @ V over `rows` rows: D in strips, V (rows, k). Columns [first, last) of the panels of V.
    void (*outer)(const T* strips, const T* v, long v_stride, long rows, long n, long k, T* g, T* room, long first, long last);
    void (*column_sum)(const T* d, long rows, long n, T* sum);
    // Columns [first, last) of `rows` rows. base: where each slot's value begins; a vector repeats for `block` elements.
    void (*pointwise)(const Instruction* code, int count, T* const* base, const SlotKind* kind, int slots, long rows, long width,
                      long first, long last);
};

template <class T>
long panels_of(const Kernels<T>& k, long n) {
    return (n + k.panel - 1) / k.panel;
}

struct InstructionSet {
    const char* name;
    const Kernels<float>* f32;
    const Kernels<double>* f64;
};

// The best set this processor has, or the one that ELMAN_ISA names (null: no such set here).
const InstructionSet* instruction_set();
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

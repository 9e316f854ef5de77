// The block machine: the elementwise part of a step as a list of instructions, run one after another on blocks that
// stay in the first-level cache. An instruction costs a load, an operation and a store of cached data, some 40 cycles a
// block, which is what makes any cell fast without a compiler on the user's machine.
//
// A block is a few whole rows of a narrow value or a stretch of one wide row, so that sums over a row need no other
// bookkeeping than "does this block begin its row".
#pragma once

#include "../kernels.h"
#include "../opcodes.h"
#include "vmath.h"

namespace {

using elman::Instruction;
using elman::Op;
using elman::SlotKind;

constexpr int block_bytes = 1024;
template <class T>
constexpr int block_of = block_bytes / sizeof(T);

template <class T, class F>
ELMAN_INLINE void map(T* d, const T* a, const T* b, const T* c, long n, F f) {
    constexpr int L = lanes_of<T>;
    long i = 0;
#pragma GCC unroll 2
    for (; i + L <= n; i += L) store(d + i, f(a + i, b + i, c + i, [](const T* p) { return load(p); }));
    if (i < n) {
        long left = n - i;
        store_part(d + i, f(a + i, b + i, c + i, [left](const T* p) { return load_part(p, left); }), left);
    }
}

template <class T>
T power(T base, double exponent) {
    return T(::pow(double(base), exponent));
}

template <class T>
void run(const Instruction& o, T* d, const T* a, const T* b, const T* c, long rows, long columns, bool row_begins) {
    using V = Vec<T>;
    const long n = o.narrow ? rows : rows * columns;
    const V one = spread(T(1)), zero = spread(T(0));
    const auto flag = [&](Bits<T> mask) { return choose<T>(mask, one, zero); };
    const auto each_row = [&](auto f) __attribute__((always_inline)) {
        for (long r = 0; r < rows; r++) {
            const V number = spread(b[r]);
            map(d + r * columns, a + r * columns, b, c + r * columns, columns,
                [&](const T* pa, const T*, const T* pc, auto get) __attribute__((always_inline)) { return f(pa, pc, number, get); });
        }
    };
    const auto sum_rows = [&](auto f) __attribute__((always_inline)) {
        for (long r = 0; r < rows; r++) {
            V sum = zero;
            long i = 0;
            for (; i + lanes_of<T> <= columns; i += lanes_of<T>) sum = sum + f(r * columns + i, [](const T* p) { return load(p); });
            if (i < columns) sum = sum + f(r * columns + i, [&](const T* p) { return load_part(p, columns - i); });
            T total = 0;
            for (int j = 0; j < lanes_of<T>; j++) total += sum[j];
            d[r] = row_begins ? total : d[r] + total;
        }
    };
#define ELMAN_CASE(name, expression)                                                            \
    case Op::name:                                                                              \
        map(d, a, b, c, n, [&](const T* pa, const T* pb, const T* pc, auto get) __attribute__((always_inline)) { \
            (void)pa, (void)pb, (void)pc;                                                       \
            return V(expression);                                                               \
        });                                                                                     \
        break;
#define A get(pa)
#define B get(pb)
#define C get(pc)
    switch (Op(o.op)) {
        ELMAN_CASE(copy, A)
        ELMAN_CASE(sigmoid, vsigmoid<T>(A))
        ELMAN_CASE(tanh, vtanh<T>(A))
        ELMAN_CASE(relu, vmax<T>(A, zero))
        ELMAN_CASE(exp, vexp<T>(A))
        ELMAN_CASE(log, vlog<T>(A))
        ELMAN_CASE(softplus, vsoftplus<T>(A))
        ELMAN_CASE(sqrt, vsqrt<T>(A))
        ELMAN_CASE(square, A * A)
        ELMAN_CASE(abs, magnitude<T>(A))
        ELMAN_CASE(sign, flag(A > zero) - flag(A < zero))
        ELMAN_CASE(neg, -A)
        ELMAN_CASE(add, A + B)
        ELMAN_CASE(sub, A - B)
        ELMAN_CASE(mul, A* B)
        ELMAN_CASE(div, A / B)
        ELMAN_CASE(minimum, vmin<T>(A, B))
        ELMAN_CASE(maximum, vmax<T>(A, B))
        ELMAN_CASE(lt, flag(A < B))
        ELMAN_CASE(le, flag(A <= B))
        ELMAN_CASE(gt, flag(A > B))
        ELMAN_CASE(ge, flag(A >= B))
        ELMAN_CASE(eq, flag(A == B))
        ELMAN_CASE(where, choose<T>(A == zero, C, B))
        ELMAN_CASE(mul_add, A* B + C)
        ELMAN_CASE(mul_sub, A* B - C)
        ELMAN_CASE(sub_mul, C - A * B)
        ELMAN_CASE(d_sigmoid, A*(B*(one - B)))
        ELMAN_CASE(d_tanh, A*(one - B * B))
        case Op::pow:
            for (long i = 0; i < n; i++) d[i] = power(a[i], o.immediate);
            break;
        case Op::spread:
            for (long r = 0; r < rows; r++)
                map(d + r * columns, a, b, c, columns, [&](const T*, const T*, const T*, auto) { return spread(a[r]); });
            break;
        // b holds one number a row
        case Op::mul_number: each_row([&](const T* pa, const T*, const V& number, auto get) { return V(A * number); }); break;
        case Op::add_number: each_row([&](const T* pa, const T*, const V& number, auto get) { return V(A + number); }); break;
        case Op::sub_number: each_row([&](const T* pa, const T*, const V& number, auto get) { return V(A - number); }); break;
        case Op::mul_add_number: each_row([&](const T* pa, const T* pc, const V& number, auto get) { return V(A * number + C); }); break;
        case Op::rowdot:
            sum_rows([&](long i, auto get) { return V(get(a + i) * get(b + i)); });
            break;
        case Op::rowsum:
            sum_rows([&](long i, auto get) { return V(get(a + i)); });
            break;
    }
#undef A
#undef B
#undef C
#undef ELMAN_CASE
}

template <class T>
void pointwise(const Instruction* code, int count, T* const* base, T** at, const SlotKind* kind, int slots, long rows, long width,
               long first, long last) {
    constexpr long block = block_of<T>;
    const long span = last - first, pieces = (span + block - 1) / block;
    const bool whole = span == width && pieces == 1;
    const long columns = pieces == 1 ? span : ((span + pieces - 1) / pieces + lanes_of<T> - 1) / lanes_of<T> * lanes_of<T>;
    const long height = whole ? block / width : 1;
    for (long r = 0; r < rows; r += height) {
        const long high = rows - r < height ? rows - r : height;
        for (long c = first; c < last; c += columns) {
            const long wide = last - c < columns ? last - c : columns;
            for (int s = 0; s < slots; s++) switch (kind[s]) {
                    case SlotKind::reg: at[s] = base[s]; break;
                    case SlotKind::plane: at[s] = base[s] + r * width + c; break;
                    case SlotKind::column: at[s] = base[s] + r; break;
                    case SlotKind::vector: at[s] = base[s] + c; break;
                }
            for (int i = 0; i < count; i++) {
                const Instruction& o = code[i];
                run(o, at[o.d], at[o.a], at[o.b], at[o.c], high, wide, c == 0);
            }
        }
    }
}

}  // namespace

// What engines/lowering.py makes of a cell: which values live where, and what is done to them when.
//
// Forward and back are the same kind of program: for each chunk of steps, operations at its beginning (hoisted
// products), operations for each step, operations at its end (weight gradients). Only the order of steps differs.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels.h"

namespace elman {

enum class Products : int { full, eight, half };

struct Parameter {
    bool matrix;
    long n, k;  // (n, k), or (n,)
    bool outer = false;  // its gradient is a sum of outer products
    long size() const { return n * k; }
};

struct Packed {  // a matrix in panels, as it is or transposed
    int parameter;
    bool transposed;
};

struct State {
    long width;
    bool kept;       // on the tape; else only the chunk at hand is held
    int initial;     // external tensor (B, width), or -1
    int final;       // likewise
    int outside;     // the external tensor that is the state after each step (y), or -1
};

struct Carry {  // dL/d(state), from step t to step t - 1
    long width;
    int arriving;  // external tensor: dL/d(final state), or -1
    int leaving;   // dL/d(initial state), or -1
};

// Where a value lives.
enum class Home : int {
    tape,       // (rows of all steps, width), kept from forward to back
    before,     // a state before the step
    after,      // and after it
    chunk,      // (rows of the chunk, width)
    step,       // (rows of the step, width)
    row,        // (rows of step 0, width): the same for all steps
    vector,     // (width,): sum of vector parameters
    constant,   // a number
    carry_in,   // dL/d(state after the step)
    carry_out,  // dL/d(state before the step)
};

struct Buffer {
    Home home;
    long width;
    int index;         // of the tape plane, state, vector, constant or carry; else its own
    int outside = -1;  // a buffer of the chunk: the external tensor that it passes on, and may be; or -1
};

enum class Kind : int { gather, scatter, multiply, pointwise, strips, outer, column_sum };
enum class Scope : int { start, begin, step, end };

struct Factor {  // a term of a product, or a pair of an outer product
    int matrix;  // packed matrix, or strips of D
    int buffer;  // A, or the parameter whose gradient it is
    bool first = false;  // the first of a chunk to add to that gradient
};

struct Slot {
    int buffer;  // or -1 - its block register
    SlotKind kind;
};

struct Operation {
    Kind kind;
    Scope scope;
    bool sync;  // a team meets before it: it would disturb what another member may still be at (engines/meetings.py)
    int tensor = -1, buffer = -1, vector = -1, parameter = -1;
    Start start = Start::zero;
    std::vector<Factor> factors;
    long width = 0;
    bool alone = false;  // writes one number a row: not to be dealt by columns
    std::vector<Slot> slots;
    std::vector<SlotKind> kinds;  // theirs, side by side
    std::vector<Instruction> code;
};

struct Program {
    bool back = false;  // steps from last to first
    bool is_double = false;
    bool eight = false;  // its packed matrices are in 8 bits (isa/eight.h)
    const Halves* halves = nullptr;  // what makes its products, of numbers rounded to bfloat16 (isa/halves.h)
    std::vector<Parameter> parameters;
    std::vector<Packed> packed;
    std::vector<State> states;
    std::vector<long> tape;  // widths
    std::vector<std::vector<int>> vectors;  // parameters to sum
    std::vector<double> constants;
    std::vector<Carry> carries;
    std::vector<Buffer> buffers;
    std::vector<long> strips;   // widths of the D of each
    std::vector<long> tensors;  // widths of the external tensors
    std::vector<Operation> operations;
    int registers = 0, slots = 0;  // the most that a pointwise operation uses
    std::vector<int> distant;  // buffers that the elementwise operations of a step read

    long packed_n(const Packed& p) const { return p.transposed ? parameters[p.parameter].k : parameters[p.parameter].n; }
    long packed_k(const Packed& p) const { return p.transposed ? parameters[p.parameter].n : parameters[p.parameter].k; }
};

// Throws std::invalid_argument for words that are no program: every index in it is checked here, none later.
Program read_program(const int64_t* words, size_t count, bool is_double, Products products, const InstructionSet& set);

}  // namespace elman

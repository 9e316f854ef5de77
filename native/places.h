// Where values lie during a call: a part's buffers in the tape, in working memory, or in the caller's own tensors.
#pragma once

#include <algorithm>
#include <vector>

#include "memory.h"

namespace elman {

// What all parts share in one call.
template <class T>
struct Shared {
    const Program& program;
    const elman_call& call;
    const Kernels<T>& kernels;
    std::vector<const T*> panels;   // packed matrices; none where they are read as the caller keeps them
    std::vector<const T*> vectors;  // repeated to fill a block
    std::vector<const T*> constants;

    T* tensor(int i) const { return i < 0 ? nullptr : static_cast<T*>(call.tensors[i]); }
};

// The buffers of one part. Rows of x, y and their gradients are worked on in the caller's tensors where they lie side by
// side there (memory.h: in_place); else they are copied into a buffer of the chunk, and out of it.
template <class T>
class Places {
public:
    // own_gradients: the part sums weight gradients in memory of its own, not in the caller's.
    Places(const Shared<T>& shared, const Part& part, Layout& tape, Layout& work, bool own_gradients)
        : s_(shared), p_(shared.program), part_(part), own_gradients_(own_gradients), tape_places_(place_tape(p_, part, tape)) {
        for (const State& state : p_.states)
            state_places_.push_back(state.kept ? -1 : work.place((part.starting() + (elman::outside(state, part) ? 0 : part.chunk_rows)) * state.width));
        for (const Buffer& b : p_.buffers) {
            outside_.push_back(b.outside >= 0 && in_place(part) && side_by_side(b.outside));
            const long rows = outside_.back()      ? 0
                              : b.home == Home::chunk ? part.chunk_rows
                              : b.home == Home::step  ? part.starting()
                              : b.home == Home::row   ? part.starting()
                                                      : 0;
            places_.push_back(rows ? work.place(rows * b.width) : -1);
        }
        for (const Carry& c : p_.carries)
            for (int i = 0; i < 2; i++) carry_places_.push_back(work.place(part.starting() * c.width));
        for (long width : p_.strips) strip_places_.push_back(work.place(part.chunk_rows * width));
        long widest = 0;
        for (const Operation& o : p_.operations)
            if (o.kind == Kind::outer) widest = std::max(widest, p_.buffers[o.buffer].width);
        stage_place_ = work.place(widest * part.chunk_rows);
        for (size_t i = 0; i < p_.parameters.size(); i++)
            gradient_places_.push_back(own_gradients && s_.call.gradients && s_.call.gradients[i] ? work.place(p_.parameters[i].size()) : -1);
    }

    void attach(T* tape, T* work) { tape_ = tape, work_ = work; }

    // A sequence's row of an external tensor.
    T* tensor_row(int tensor, long row, long time) const {
        return s_.tensor(tensor) + time * s_.call.by_time[tensor] + part_.sequence[row] * s_.call.by_row[tensor];
    }

    // The state before the first step: the first rows of its place.
    T* initial(int i) const { return p_.states[i].kept ? tape_ + tape_places_.state[i] : work_ + state_places_[i]; }

    bool state_outside(int i) const { return elman::outside(p_.states[i], part_); }

    // A state's rows before or after step t: before step 0 of the stretch that is held, then after each of its steps.
    T* state(int i, const Chunk& chunk, long t, bool after) const {
        const State& s = p_.states[i];
        const bool outside = state_outside(i);
        const long first = s.kept || outside ? 0 : chunk.from;
        if (!after && t == first) return initial(i);
        const long step = after ? t : t - 1;
        if (outside) return tensor_row(s.outside, 0, time(step));
        return initial(i) + (part_.starting() + part_.offset[step] - part_.offset[first]) * s.width;
    }

    // dL/d(state): before step t once that is done (out), after it (in).
    T* carry(int i, long t, bool out) const { return work_ + carry_places_[2 * i + ((t + (out ? 1 : 0)) & 1)]; }

    // Where a buffer's rows begin, of step t or (t < 0) of the whole chunk.
    T* at(int buffer, const Chunk& chunk, long t) const {
        const Buffer& b = p_.buffers[buffer];
        const long step = t < 0 ? chunk.from : t;
        switch (b.home) {
            case Home::tape: return tape_ + tape_places_.plane[b.index] + part_.offset[step] * b.width;
            case Home::before: return state(b.index, chunk, step, false);
            case Home::after: return state(b.index, chunk, step, true);
            case Home::chunk:
                if (outside_[buffer]) return tensor_row(b.outside, 0, time(step));
                return work_ + places_[buffer] + (part_.offset[step] - part_.offset[chunk.from]) * b.width;
            case Home::step:
            case Home::row: return work_ + places_[buffer];
            case Home::vector: return const_cast<T*>(s_.vectors[b.index]);
            case Home::constant: return const_cast<T*>(s_.constants[b.index]);
            case Home::carry_in: return carry(b.index, step, false);
            case Home::carry_out: return carry(b.index, step, true);
        }
        return nullptr;
    }

    bool outside(int buffer) const { return outside_[buffer]; }

    // Whether the rows of a chunk's steps do not follow each other in memory.
    bool apart(int buffer, const Chunk& chunk) const {
        const Buffer& b = p_.buffers[buffer];
        const bool state = b.home == Home::before || b.home == Home::after;
        if (!(state ? state_outside(b.index) : outside_[buffer])) return false;
        return !part_.adjoining || (b.home == Home::before && chunk.from == 0);
    }

    // How far apart two steps lie in a buffer that is `apart`.
    long step(int buffer) const {
        const Buffer& b = p_.buffers[buffer];
        const int tensor = b.home == Home::chunk ? b.outside : p_.states[b.index].outside;
        return (s_.call.reverse ? -1 : 1) * long(s_.call.by_time[tensor]);
    }

    // Whether the step back reads from a buffer what the step forward wrote long ago (or the caller did).
    bool distant(int buffer) const {
        const Buffer& b = p_.buffers[buffer];
        return b.home == Home::tape || outside_[buffer] || ((b.home == Home::before || b.home == Home::after) && p_.states[b.index].kept);
    }

    T* strips(int i) const { return work_ + strip_places_[i]; }
    T* stage() const { return work_ + stage_place_; }
    T* gradient(int i) const {
        if (!s_.call.gradients || !s_.call.gradients[i]) return nullptr;
        return own_gradients_ ? work_ + gradient_places_[i] : static_cast<T*>(s_.call.gradients[i]);
    }

protected:
    long time(long step) const { return part_.time(0, step, s_.call.reverse); }  // of all rows, where the part is whole

    const Shared<T>& s_;
    const Program& p_;
    const Part& part_;

private:
    bool side_by_side(int tensor) const {
        const long width = p_.tensors[tensor];
        return s_.tensor(tensor) && s_.call.by_row[tensor] == width && (!part_.adjoining || s_.call.by_time[tensor] == part_.starting() * width);
    }

    const bool own_gradients_;
    TapePlaces tape_places_;
    std::vector<bool> outside_;  // buffers that are the caller's tensor itself
    std::vector<long> state_places_, places_, carry_places_, strip_places_, gradient_places_;
    long stage_place_ = 0;
    T *tape_ = nullptr, *work_ = nullptr;
};

}  // namespace elman

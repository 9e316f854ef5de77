// Where each buffer of a program lies: on the tape, or in the working memory of a part.
#pragma once

#include <limits>
#include <stdexcept>

#include "program.h"
#include "rows.h"

namespace elman {

// Counts off stretches of one allocation, each at the start of a cache line.
class Layout {
public:
    explicit Layout(size_t element) : line_(64 / element) {}
    long place(long elements) {
        if (elements < 0 || elements > most - next_) throw std::length_error("a program that needs more memory than there is");
        const long at = next_;
        next_ += (elements + long(line_) - 1) / long(line_) * long(line_);
        return at;
    }
    long total() const { return next_; }

private:
    static constexpr long most = std::numeric_limits<long>::max() / 64;
    size_t line_;
    long next_ = 0;
};

// Whether the rows of external tensors can be worked on where they lie: those of a step side by side, and enough of
// them for a product, or all steps side by side.
inline bool in_place(const Part& part) { return part.adjoining || (part.whole && part.starting() >= 8); }

// A state that leaves as y is kept there and nowhere else, but for the one before the first step.
inline bool outside(const State& s, const Part& part) { return s.outside >= 0 && in_place(part); }

// The tape holds, part after part: each kept state (n_0 + rows, width), then each tape plane (rows, width).
struct TapePlaces {
    std::vector<long> state, plane;
};
inline TapePlaces place_tape(const Program& p, const Part& part, Layout& layout) {
    TapePlaces places;
    for (const State& s : p.states)
        places.state.push_back(s.kept ? layout.place((part.starting() + (outside(s, part) ? 0 : part.rows)) * s.width) : -1);
    for (long width : p.tape) places.plane.push_back(layout.place(part.rows * width));
    return places;
}

}  // namespace elman

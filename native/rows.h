// Which rows run when. The sequences of a batch are sorted by length and dealt to the parts; within a part the rows that
// still run at step t are the first n_t, and what is kept of all steps lies packed: the n_0 rows of step 0, then the n_1
// rows of step 1, without padding. Going backwards in time only changes which time step a row reads at its step t.
#pragma once

#include <cstdint>
#include <vector>

#include "elman.h"

namespace elman {

struct Chunk {
    long from, to;  // steps [from, to)
};

struct Part {
    std::vector<long> sequence;  // row -> index in the batch
    std::vector<long> length;    // row -> its number of steps
    std::vector<long> running;   // step -> n_t
    std::vector<long> offset;    // step -> rows of all steps before it
    std::vector<Chunk> chunks;
    long rows = 0;        // of all steps
    long chunk_rows = 0;  // of the largest chunk
    bool whole = false;      // neighbours in the batch, all of T steps: at a step they lie side by side in x and y
    bool adjoining = false;  // and those of one step beside those of the next

    long starting() const { return running.empty() ? 0 : running[0]; }
    long steps() const { return long(running.size()); }
    // The time step that row r reads at its step t.
    long time(long r, long t, bool reverse) const { return reverse ? length[r] - 1 - t : t; }
};

// Chunks are of about this many rows: enough for an efficient product, few enough to stay in the second-level cache.
constexpr long chunk_rows = 128;

// Rows that a product of bfloat16 rounds at a time: blocks of 12, and some 256 rows of a chunk at once.
constexpr long rounded_rows = 264;

std::vector<Part> deal(const elman_call& call);

}  // namespace elman

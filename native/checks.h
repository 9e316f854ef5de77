// What a program and a call have to be before a byte is touched on their word.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "elman.h"
#include "program.h"

namespace elman {

// Throws std::invalid_argument for a program that would reach past its own buffers. read_program has checked its indices.
void check_program(const Program& program);

// Sizes, threads and lengths of a call.
void check_sizes(const elman_call& call);

// And that what lies at its addresses is as large as the program needs.
void check_memory(const Program& program, const elman_call& call);

// Whether `there` bytes hold `wanted`.
void check_room(const void* at, int64_t there, int64_t wanted, const char* what);

// As many pieces as one job may have, an int's number.
constexpr int64_t most_pieces = (int64_t(1) << 31) - 1;

// So many elements; throws std::invalid_argument where a size is none, or where they are more than memory could hold.
int64_t product(std::initializer_list<int64_t> sizes, const char* what);

// Stretches of memory, none of which is written where another one lies.
class Apart {
public:
    explicit Apart(const char* whose) : whose_(whose) {}
    // Throws std::invalid_argument where `count` elements cannot lie.
    void add(const void* at, int64_t count, int64_t element, bool written);

private:
    void require(bool condition, const char* before, const char* behind) const;

    struct Stretch {
        uintptr_t from, to;
        bool written;
    };
    const char* const whose_;
    std::vector<Stretch> stretches_;
};

}  // namespace elman

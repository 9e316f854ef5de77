// Work in stages, dealt in pieces to whoever comes.
//
// A thread takes the next piece of a stage until none is left, and goes on when all of them are done. So one that comes
// late, or not at all, because another program has its processor, holds nobody up: the others do what it would have
// done. What is computed does not depend on who computes it, hence not on how busy the machine is.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "waiting.h"

namespace elman {

struct Stage {
    int pieces;
    int team;  // threads that share a piece and meet within it: all of them there, or one alone
    // `seat`: no two threads at the same time have the same one, 0 .. threads - 1. `rank` of the `team` that really came.
    void (*work)(void* context, int piece, int seat, int rank, int team);
};

class Job {
public:
    // patience: turns of looking out for a team, before the one thread that is there begins without it.
    Job(int threads, std::vector<Stage> stages, void* context, int patience);

    int threads() const { return threads_; }
    // Take part until everything is done; seat 0 is the caller's, who always comes.
    void take_part(int seat);
    // Do all of it: nobody else comes.
    void take_all() {
        decided_.store(apart);
        take_part(0);
    }

private:
    struct Dealt {
        alignas(64) std::atomic<int> next{0};
        alignas(64) std::atomic<int> done{0};
    };
    enum : int { open, together, apart };  // whether the team came

    bool complete(int seat);

    const int threads_, patience_;
    const std::vector<Stage> stages_;
    void* const context_;
    const std::unique_ptr<Dealt[]> dealt_;
    std::atomic<int> came_{0}, decided_{open};
    Bell bell_;
};

}  // namespace elman

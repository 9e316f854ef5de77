// Work in stages, dealt in pieces to whoever comes.
//
// A thread takes the next piece of a stage until none is left, and goes on when all of them are done. So one that comes
// late, or not at all, because another program has its processor, holds nobody up: the others do what it would have
// done. What is computed does not depend on who computes it, hence not on how busy the machine is.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "waiting.h"

namespace elman {

struct Stage {
    int pieces;
    int team;  // threads that share a piece and meet within it: all of them there, or one alone
    // May throw, as memory runs out, where no team shares it: the others of one would wait for who has left.
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
    // Throws what a piece has thrown, the first of them; the pieces after it were left.
    void rethrow() const {
        if (failed_.load()) std::rethrow_exception(failure_);
    }
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
    void attempt(const Stage& stage, int piece, int seat) noexcept;

    const int threads_, patience_;
    const std::vector<Stage> stages_;
    void* const context_;
    const std::unique_ptr<Dealt[]> dealt_;
    std::atomic<int> came_{0}, decided_{open};
    std::atomic<bool> failed_{false};
    std::mutex failing_;
    std::exception_ptr failure_;
    Bell bell_;
};

}  // namespace elman

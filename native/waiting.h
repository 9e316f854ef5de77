// Waiting for another thread: on the processor at first, since what it waits for is mostly microseconds away and to be
// woken takes fifty, and then asleep. How long depends on whether others want the processor. One that spins and is
// interrupted sees the clock jump, and one that comes with work is asked (threads.cpp); then all sleep early for a while,
// so that whoever is waited for gets the processor.
// Only the waiting depends on that, never what is computed.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace elman {

inline void breathe() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
}

// When a thread that waits goes to sleep.
class Spin {
public:
    Spin() : began_(now()), seen_(began_) {}

    // Whether to look on; called every microsecond or so.
    bool goes_on() {
        const int64_t at = now();
        if (at - seen_ > jump) others_compute(memory);
        seen_ = at;
        return at - began_ < (at < contested().load(std::memory_order_relaxed) ? brief : most().load(std::memory_order_relaxed));
    }

    // Remember for so long that other programs want the processor; whether that is remembered.
    static void others_compute(int64_t time) {
        const int64_t until = now() + time;
        if (contested().load(std::memory_order_relaxed) < until) contested().store(until, std::memory_order_relaxed);
    }
    // Without others: no longer than those beside it, or it would sleep through their waiting. Nanoseconds.
    static std::atomic<int64_t>& most() {
        static std::atomic<int64_t> time{200'000};
        return time;
    }
    static bool others_compute() { return now() < contested().load(std::memory_order_relaxed); }

    static int64_t now() { return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

    static constexpr int64_t brief = 20'000, memory = 50'000'000, long_memory = 2'000'000'000;  // nanoseconds

private:
    static constexpr int64_t jump = 200'000;
    static std::atomic<int64_t>& contested() {  // until when
        static std::atomic<int64_t> until{0};
        return until;
    }
    int64_t began_, seen_;
};

// What sleeps until something is true, and whoever makes it true rings.
class Bell {
public:
    // Returns whether it slept.
    template <class True>
    bool wait(True is) {
        if (is()) return false;
        Spin spin;
        do
            for (int i = 0; i < 16; i++) {
                if (is()) return false;
                breathe();
            }
        while (spin.goes_on());
        std::unique_lock<std::mutex> lock(mutex_);
        asleep_.fetch_add(1);  // before it looks again: whoever makes it true from here on sees somebody asleep
        rung_.wait(lock, is);
        asleep_.fetch_sub(1);
        return true;
    }

    // After a sequentially consistent write that made it true.
    void ring() {
        if (asleep_.load() == 0) return;
        { std::lock_guard<std::mutex> lock(mutex_); }  // not between its look and its sleep
        rung_.notify_all();
    }

private:
    std::atomic<int> asleep_{0};
    std::mutex mutex_;
    std::condition_variable rung_;
};

// Threads that wait for each other between two operations of a step, a microsecond of work away.
class Barrier {
public:
    // of_team: they will meet again and again.
    void wait(int size, bool of_team = true) {
        if (size == 1) return;
        const int turn = turn_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == size - 1) {
            arrived_.store(0, std::memory_order_relaxed);
            turn_.store(turn + 1);
            bell_.ring();
        } else if (bell_.wait([&] { return turn_.load() != turn; }) && of_team)
            Spin::others_compute(Spin::long_memory);  // a member was away: the next calls do without a team
    }

private:
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<int> turn_{0};
    Bell bell_;
};

}  // namespace elman

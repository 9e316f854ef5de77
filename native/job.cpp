#include "job.h"

#include <algorithm>

namespace elman {

Job::Job(int threads, std::vector<Stage> stages, void* context, int patience)
    : threads_(threads), patience_(patience), stages_(std::move(stages)), context_(context), dealt_(new Dealt[stages_.size()]) {
    const auto shared = [](const Stage& s) { return s.team > 1; };
    if (threads == 1 || std::none_of(stages_.begin(), stages_.end(), shared)) decided_.store(apart);
}

void Job::take_part(int seat) {
    for (size_t i = 0; i < stages_.size(); i++) {
        const Stage& stage = stages_[i];
        Dealt& dealt = dealt_[i];
        int all = stage.pieces;
        if (stage.team > 1 && complete(seat)) {
            all = threads_;
            // whether an earlier stage has failed is known by now, and the same to all
            if (const int piece = seat / stage.team; piece < stage.pieces && !failed_.load()) stage.work(context_, piece, seat, seat % stage.team, stage.team);
            if (dealt.done.fetch_add(1) + 1 == all) bell_.ring();
        } else
            for (int piece; (piece = dealt.next.fetch_add(1, std::memory_order_relaxed)) < all;) {
                attempt(stage, piece, seat);
                if (dealt.done.fetch_add(1) + 1 == all) bell_.ring();
            }
        bell_.wait([&] { return dealt.done.load() == all; });
    }
}

// A piece by one thread alone, of whichever pool: nothing may leave it but to whoever asked for the job.
void Job::attempt(const Stage& stage, int piece, int seat) noexcept {
    if (failed_.load()) return;
    try {
        stage.work(context_, piece, seat, 0, 1);
    } catch (...) {
        std::lock_guard<std::mutex> lock(failing_);
        if (!failure_) failure_ = std::current_exception();
        failed_.store(true);
    }
}

// Whether all are there. The caller looks out for them for a while, and then decides for everybody.
bool Job::complete(int seat) {
    if (decided_.load() == open) {
        came_.fetch_add(1);
        if (seat == 0) {
            // where other programs want the processor, a team would wait for one of its members at every step
            const int patience = Spin::others_compute() ? 0 : patience_;
            for (int i = 0; i < patience && came_.load() < threads_; i++) breathe();
            decided_.store(patience && came_.load() == threads_ ? together : apart);
            bell_.ring();
        } else
            bell_.wait([this] { return decided_.load() != open; });
    }
    return decided_.load() == together;
}

}  // namespace elman

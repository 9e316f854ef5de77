// Two pools that spin cost each other milliseconds, so the threads are those of the OpenMP library that torch has loaded
// already, found by name at run time: this library neither links nor ships one. Without it there is a small own pool.
// In a forked child neither pool's threads exist any more: there everything runs on the calling thread.
#include "threads.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#if !defined(_WIN32)
#include <dlfcn.h>
#include <pthread.h>
#endif

namespace elman {

namespace {

std::atomic<bool> forked{false};

struct OpenMP {
    void (*parallel)(void (*)(void*), void*, unsigned, unsigned) = nullptr;
    int (*thread)() = nullptr;
    int (*threads)() = nullptr;
};
OpenMP openmp;
std::atomic<bool> openmp_ready{false};

struct Job {
    Work work;
    void* context;
    int count;
};

void openmp_body(void* p) {
    const Job& job = *static_cast<const Job*>(p);
    const int i = openmp.thread();
    if (openmp.threads() >= job.count) {
        if (i < job.count) job.work(job.context, i, job.count);
    } else if (i == 0) {  // a nested region, or a thread limit: fewer than asked for
        for (int k = 0; k < job.count; k++) job.work(job.context, k, 1);
    }
}

// One job at a time; whoever finds it busy works alone.
class Pool {
public:
    bool run(const Job& job) {
        std::unique_lock<std::mutex> only(busy_, std::try_to_lock);
        if (!only) return false;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            while (int(workers_.size()) < job.count - 1) {
                const int i = int(workers_.size()) + 1;
                workers_.emplace_back([this, i, seen = generation_] { serve(i, seen); });
                workers_.back().detach();
            }
            job_ = &job;
            left_ = job.count - 1;
            generation_++;
        }
        wake_.notify_all();
        job.work(job.context, 0, job.count);
        std::unique_lock<std::mutex> lock(mutex_);
        done_.wait(lock, [this] { return left_ == 0; });
        job_ = nullptr;
        return true;
    }

private:
    void serve(int i, unsigned long seen) {
        for (;;) {
            const Job* job;
            {
                std::unique_lock<std::mutex> lock(mutex_);
                wake_.wait(lock, [&] { return generation_ != seen; });
                seen = generation_;
                job = job_;
                if (!job || i >= job->count) continue;
            }
            job->work(job->context, i, job->count);
            std::lock_guard<std::mutex> lock(mutex_);
            if (--left_ == 0) done_.notify_one();
        }
    }

    std::mutex busy_, mutex_;
    std::condition_variable wake_, done_;
    std::vector<std::thread> workers_;
    const Job* job_ = nullptr;
    int left_ = 0;
    unsigned long generation_ = 0;
};

Pool& pool() {
    static Pool* const p = new Pool;  // never destroyed: its threads outlive static destructors
    return *p;
}

[[maybe_unused]] const bool watching = [] {
#if !defined(_WIN32)
    pthread_atfork(nullptr, nullptr, [] { forked.store(true); });
#endif
    return true;
}();

}  // namespace

void parallel(int count, Work work, void* context) {
    Job job{work, context, count};
    if (count > 1 && !forked.load(std::memory_order_relaxed)) {
        if (openmp_ready.load(std::memory_order_acquire)) {
            openmp.parallel(openmp_body, &job, unsigned(count), 0);
            return;
        }
        if (pool().run(job)) return;
    }
    for (int i = 0; i < count; i++) work(context, i, 1);
}

bool use_openmp(const char* library) {
    if (!library) {
        openmp_ready.store(false);
        return true;
    }
#if !defined(_WIN32)
    void* handle = dlopen(library, RTLD_NOW | RTLD_NOLOAD);  // only the copy that is loaded already
    if (!handle) return false;
    openmp.parallel = reinterpret_cast<decltype(openmp.parallel)>(dlsym(handle, "GOMP_parallel"));
    openmp.thread = reinterpret_cast<decltype(openmp.thread)>(dlsym(handle, "omp_get_thread_num"));
    openmp.threads = reinterpret_cast<decltype(openmp.threads)>(dlsym(handle, "omp_get_num_threads"));
    const bool found = openmp.parallel && openmp.thread && openmp.threads;
    openmp_ready.store(found, std::memory_order_release);
    return found;
#else
    return false;
#endif
}

const char* threads_in_use() { return openmp_ready.load() ? "openmp" : "own"; }

void Barrier::spin(int turn) const {
    for (int i = 0; turn_.load(std::memory_order_acquire) == turn; i++) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
        if (i > 200) std::this_thread::yield();  // two microseconds: the other may wait for this processor
    }
}

}  // namespace elman

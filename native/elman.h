/* The C interface of Elman's native engine. Plain C, no torch: the caller owns every tensor.
 *
 * A program (one layer, one direction, forward or back) is a list of int64 words that engines/lowering.py writes and
 * program.h explains. A call runs it over T steps of B sequences. Functions that return int return 0, or -1 after
 * setting elman_error(). All are safe to call from several threads at once. Neither a program nor a call is believed:
 * both are checked, against each other and against the extents given, before anything is read or written.
 */
#ifndef ELMAN_H
#define ELMAN_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define ELMAN_API __declspec(dllexport)
#else
#define ELMAN_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define ELMAN_ABI 13

typedef struct elman_program elman_program;
typedef struct elman_prepared elman_prepared;

typedef struct {
    int64_t steps;          /* T */
    int64_t batch;          /* B */
    const int64_t* lengths; /* (B,), each 1..T; NULL: all T */
    int64_t reverse;        /* each sequence from its own last step to its first */
    int64_t bptt;           /* cut the gradient between blocks of this many time steps; 0: nowhere */
    int64_t parts;          /* shares of the batch, each run on its own; the same for forward and back */
    int64_t team;           /* threads that share the hidden units of a part */
    int64_t pack;           /* fill `packed` from `parameters` first; 0: it is filled already */
    void* const* tensors;   /* external tensors by number; may hold NULL where the program allows */
    const int64_t* by_time; /* their strides in elements: by time step (0 for (B, W) tensors) ... */
    const int64_t* by_row;  /* ... and by sequence; the last axis is contiguous */
    const void* const* parameters; /* contiguous */
    void* const* gradients;        /* of the parameters, overwritten; NULL where not wanted */
    void* packed;                  /* elman_packed_bytes. NULL: memory of the call's own if `pack`, else products read
                                      `parameters` as they lie, which is best for few rows (and not in 8 bits) */
    void* tape;                    /* elman_tape_bytes, written forward, read back */
    const int64_t* extents;           /* elements that lie at each of `tensors`; 0 where that is NULL */
    const int64_t* parameter_extents; /* likewise at `parameters`, and at those of `gradients` that are wanted */
    int64_t packed_bytes, tape_bytes; /* what lies at `packed` and `tape`: at least what those functions say */
    int64_t own_threads; /* run on an own pool, whatever elman_use_threads_of has said */
} elman_call;

ELMAN_API int elman_abi(void);
ELMAN_API const char* elman_error(void);      /* of this thread's last call */
ELMAN_API const char* elman_isa(void);        /* the instruction set in use, or NULL and an error */
ELMAN_API const char* elman_isas(void);       /* those this processor can run */
ELMAN_API int elman_halves(void);             /* whether that multiplies bfloat16 */
ELMAN_API const char* elman_operations(void); /* names of the pointwise operations in the order of their numbers */
ELMAN_API int elman_use_threads_of(const char* openmp_library); /* run on that library's pool; NULL: on an own pool */
ELMAN_API const char* elman_threads(void);    /* "openmp" or "own" */

/* products: 0, in the program's own numbers; 1, its matrices are packed in 8 bits, whole numbers -127..127 times a scale of
 * each row (not of a program back); 2, numbers are rounded to bfloat16, and their products summed in single precision (where
 * elman_halves says so; calls that pack nothing, as those of few rows, compute as with 0). */
ELMAN_API elman_program* elman_program_new(const int64_t* words, size_t count, int is_double, int products);
ELMAN_API void elman_program_free(elman_program*);
ELMAN_API int64_t elman_packed_bytes(const elman_program*);
ELMAN_API int64_t elman_tape_bytes(const elman_program*, const elman_call*);
ELMAN_API int elman_run(const elman_program*, const elman_call*);

/* A call that is made again and again, as one step of a stream: all that does not change is done once. The call and what
 * it points to have to live on; between runs only the addresses in `tensors` and `pack` may change. By one thread at a
 * time: another one's run is refused. */
ELMAN_API elman_prepared* elman_prepare(const elman_program*, const elman_call*);
ELMAN_API int elman_run_prepared(elman_prepared*);
ELMAN_API void elman_prepared_free(elman_prepared*);

/* A matrix (n, k) in 8 bits: each row as whole numbers -127..127, to the nearest, halves to the even one, of a scale which is
 * its largest absolute value / 127. elman_eight_bytes says how much that takes; extent: elements at `matrix`. */
ELMAN_API int64_t elman_eight_bytes(int64_t n, int64_t k, int is_double);
ELMAN_API int elman_eight(const void* matrix, int64_t extent, int64_t n, int64_t k, int is_double, void* to, int64_t bytes);

/* The additive score of attention (Bahdanau et al. 2015), v . tanh(s_t + h_i) of every query t and step i, and its
 * derivative. All contiguous; a sequence and a head of it is one piece, done by one thread. */
typedef struct {
    int64_t is_double;
    int64_t sequences, heads, queries, steps, width; /* B, K, T, S, A */
    int64_t threads, own_threads;
    const void* s; /* (B, K, T, A) */
    const void* h; /* (B, K, S, A) */
    const void* v; /* (K, A) */
    const void* g; /* (B, K, T, S), the gradient of the scores; NULL: forward */
    void* scores;  /* forward: (B, K, T, S) */
    void *ds, *dh; /* back: as s and h */
    void* dv;      /* back: (B, K, A), to be summed over B */
    int64_t s_extent, h_extent, v_extent, g_extent;        /* elements that lie there; 0 where that is NULL */
    int64_t scores_extent, ds_extent, dh_extent, dv_extent; /* likewise, of the way that is asked for */
} elman_additive_call;
ELMAN_API int elman_additive(const elman_additive_call*);

/* Connectionist temporal classification (Graves et al. 2006): -ln p(text | frames) of each sequence, and its derivative with
 * respect to the log-probabilities. All contiguous; a sequence is one piece, done by one thread. */
typedef struct {
    int64_t is_double;
    int64_t steps, sequences, symbols, blank; /* T, B, V */
    int64_t threads, own_threads;
    const void* log_probs;   /* (T, B, V); what lies behind a length is not read */
    const int64_t* lengths;  /* (B,) */
    const int64_t* targets;  /* all texts, one behind the other */
    const int64_t* starts;   /* (B + 1,), where each begins, and the end of all */
    void* losses;            /* (B,); 0 of a text that its frames cannot hold */
    void* gradient;          /* (T, B, V); 0 of such a text, and behind each length */
    int64_t* left;           /* (B,): 1 where nothing was found, because double precision would have lost it */
    int64_t log_probs_extent, lengths_extent, targets_extent, starts_extent; /* elements that lie there */
    int64_t losses_extent, gradient_extent, left_extent;
} elman_ctc_call;
ELMAN_API int elman_ctc(const elman_ctc_call*);

/* One unit further in N texts: x_n = scale * embedding[unit_n], layers that read each other, and
 * ln p = log_softmax(weight h + bias) of the unit after it. Each layer is prepared for one step of N sequences; the first
 * reads x, each of the others what the one before it gives, and the last gives h, all of them rows side by side. A state of
 * all layers, of N texts, is (N, S) numbers at one address, and the strides of the states in a layer's call say so:
 * `offset` is where, in bytes, each state of a layer begins in the row of a text. Addresses of states are put into the
 * `tensors` of the layers' calls here. By one thread at a time: another one's call is refused. */
typedef struct {
    elman_prepared* step;
    int64_t states;
    const int64_t* offset;
} elman_next_layer;
typedef struct {
    int64_t is_double;
    int64_t eight;                             /* the softmax's matrix is one in 8 bits, as elman_eight packs it */
    int64_t rows, units, width, known, layers; /* N, V, E, H */
    int64_t threads, own_threads;              /* of the softmax */
    const elman_next_layer* layer;
    double scale;
    const void* embedding; /* (V, E) */
    void* x;               /* (N, E) */
    const void* h;         /* (N, H) */
    const void *weight, *bias; /* (V, H), (V,); without a weight nothing is done behind h, bias may be NULL */
    void* scores;              /* (N, V) */
    double *log_probs, *room;  /* (N, V), (V,) */
    int64_t embedding_extent, weight_extent, bias_extent;    /* elements that lie there (of `eight` at `weight`: bytes);
                                                                0 where that is NULL */
    int64_t scores_extent, log_probs_extent, room_extent; /* likewise */
    int64_t state_bytes;                                     /* of one state, N S numbers */
} elman_next;
ELMAN_API int elman_next_step(const elman_next*, const int64_t* units, void* before, void* after);

/* Units of one text, each drawn from exp(ln p / temperature) behind the one before and read: at most `count`, until `end`
 * (-1: there is none), which is barred from the first `unended` of them. The state is at `one` first, then at `other`, and so
 * on. Returns how many were drawn, of which the last has ln p = -inf where none was possible; -2 where ln p are no numbers. */
typedef struct {
    double temperature;
    const int64_t* banned;
    int64_t banned_count, end, unended;
} elman_draws;
ELMAN_API int64_t elman_next_draw(const elman_next*, const elman_draws*, int64_t unit, void* one, void* other, const double* chances,
                                  int64_t count, int64_t* units, double* log_probs);

/* Memory that is kept for the next call: page faults would cost a tenth of a training step. */
ELMAN_API void* elman_take(size_t bytes);
ELMAN_API void elman_give(void*);
ELMAN_API size_t elman_trim(void); /* frees what is not in use and says how much that was */

#ifdef __cplusplus
}
#endif
#endif

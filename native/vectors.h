// Word vectors: what the kernel is given. Mirrored field by field by elman/text/vectors/native.py.
//
// Mikolov et al. 2013, "Efficient Estimation of Word Representations" (CBOW, skip-gram) and
// "Distributed Representations of Words and Phrases" (negative sampling, subsampling).
#pragma once
#include <cstdint>

#include "elman.h"

extern "C" {

// One stretch of training: the chunks [first_chunk, last_chunk) of an encoded corpus, in one epoch.
struct ElmanVectorsJob {
    float* input;               // (V, stride): the vectors that are kept; rows zero past the dimension
    float* output;              // (V, stride): the vectors of negative sampling's classifier
    const int32_t* tokens;      // (n_tokens): word ids, -1 between texts
    const uint32_t* keep;       // (V): a token stays if a 31-bit random number lies below (2^31: always)
    const int32_t* negatives;   // (n_negatives): words drawn in advance from counts^0.75, shuffled
    const float* sigmoid;       // (sigmoid_size + 1): over [-8, 8), and one for what rounds up to 8
    int64_t n_tokens;
    int64_t n_negatives;
    int64_t chunk;              // tokens in a chunk
    int64_t chunks;             // chunks in the corpus
    int64_t first_chunk, last_chunk;
    int64_t epoch, epochs;
    uint64_t seed;
    double rate, last_rate;     // learning rate at the first and after the last chunk, linear between
    int32_t stride;             // floats in a row, a multiple of 16
    int32_t sigmoid_size;
    int32_t window;
    int32_t negative;           // negatives drawn for each positive
    int32_t skip_gram;          // 0: CBOW
    int32_t share_error;        // CBOW: 1 divides the error by the number of context words, as the mean's gradient does
    int32_t share_noise;        // positives in a row that meet the same noise words
    int32_t threads;
};

// What one thread works in.
struct ElmanVectorsScratch {
    int32_t* words;       // (chunk): a text's words after subsampling
    float *h, *error;     // (stride) each, on a 64-byte boundary
};

typedef void ElmanVectorsChunk(const ElmanVectorsJob*, int64_t chunk, const ElmanVectorsScratch*);

// Train on the job's chunks with one instruction set by name, or the library's choice (NULL); returns the one that ran,
// NULL if this processor has no such.
ELMAN_API const char* elman_vectors_train(const ElmanVectorsJob*, const char* instruction_set);

// Words to numbers: see vectors.cpp.
ELMAN_API void* elman_lexicon_new(void);
ELMAN_API void elman_lexicon_free(void*);
ELMAN_API int64_t elman_lexicon_size(const void*);
ELMAN_API int64_t elman_lexicon_bytes(const void*);
ELMAN_API void elman_lexicon_read(const void*, int64_t* counts, int64_t* start, char* bytes);
ELMAN_API int64_t elman_lexicon_add(void*, const char* text, int64_t n, int32_t treebank, int32_t* ids);
}

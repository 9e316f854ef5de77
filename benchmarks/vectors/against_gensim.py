"""CBOW against gensim on the same tokens, machine and run: words a second, and agreement with people.

    python benchmarks/vectors/against_gensim.py CORPUS [--rounds 3] [--threads 2] [--skip-gram]

Both get the corpus as the same lower-case tokens and the same settings; the rounds take turns. Words a second counts
raw words (rare ones included) times epochs over the training call alone; reading and counting stand beside it.
gensim's faster way in (`corpus_file`) is the one to beat; its usual one (an iterable of token lists) is printed too.
Needs `pip install gensim`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # gensim's own threads do the work

import gensim
import numpy as np
from gensim.models import Word2Vec

from elman.text.vectors import Settings, WordVectors, evaluate, train
from elman.text.vectors.corpus import texts
from elman.text.vectors.tokens import tokenize

SETS = ("wordsim353", "men", "simlex999")


def scores(vectors: WordVectors) -> dict[str, float]:
    found = evaluate(vectors)
    out = {s["name"]: round(s["spearman"] or 0.0, 4) for s in found["similarity"] if s["name"] in SETS}
    return out | {"analogies": round(found["analogy_accuracy"] or 0.0, 4)}


def with_gensim(path: str, sentences: list[list[str]] | None, args: argparse.Namespace, seed: int) -> dict[str, object]:
    options = {
        "vector_size": args.dim, "window": args.window, "negative": args.negative, "min_count": args.min_count,
        "workers": args.threads, "epochs": args.epochs, "seed": seed, "sg": int(args.skip_gram), "sample": 1e-3,
    }  # fmt: skip
    source = {"corpus_file": path} if sentences is None else {"corpus_iterable": sentences}
    model = Word2Vec(**options)
    began = time.perf_counter()
    if sentences is None:
        model.build_vocab(corpus_file=path)
    else:
        model.build_vocab(sentences)
    read = time.perf_counter() - began
    began = time.perf_counter()
    model.train(**source, total_examples=model.corpus_count, total_words=model.corpus_total_words, epochs=args.epochs)
    seconds = time.perf_counter() - began
    vectors = WordVectors(list(model.wv.index_to_key), np.array(model.wv.vectors))
    rate = model.corpus_total_words * args.epochs / seconds
    return {
        "words_a_second": round(rate),
        "reading_seconds": round(read, 2),
        "training_seconds": round(seconds, 2),
    } | scores(vectors)


def with_elman(corpus: str, args: argparse.Namespace, seed: int) -> dict[str, object]:
    settings = Settings(
        dim=args.dim, window=args.window, negative=args.negative, min_count=args.min_count, epochs=args.epochs,
        threads=args.threads, seed=seed, skip_gram=args.skip_gram,
    )  # fmt: skip
    vectors = train(corpus, settings)
    return {k: vectors.about[k] for k in ("words_a_second", "reading_seconds", "training_seconds")} | scores(vectors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip-gram", action="store_true")
    parser.add_argument("--lists", action="store_true", help="also time gensim on an iterable of token lists")
    for name, value in {"dim": 100, "window": 5, "negative": 10, "epochs": 5, "min_count": 5, "threads": 2}.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    args = parser.parse_args()

    rounds: dict[str, list[dict[str, object]]] = {}
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(" ".join(tokenize(text)) + "\n" for text in texts(args.corpus))
        file.flush()
        tokens = [tokenize(text) for text in texts(args.corpus)] if args.lists else []
        for seed in range(args.rounds):
            runs: dict[str, Callable[[int], dict[str, object]]] = {
                "elman": lambda seed: with_elman(args.corpus, args, seed),
                "gensim": lambda seed: with_gensim(file.name, None, args, seed),
            }
            if args.lists:
                runs["gensim, lists"] = lambda seed: with_gensim("", tokens, args, seed)
            for name, contestant in runs.items():
                found = contestant(seed)
                rounds.setdefault(name, []).append(found)
                print(f"round {seed} {name:14}", json.dumps(found), flush=True)
    means = {n: {k: statistics.fmean(r[k] for r in rs) for k in rs[0]} for n, rs in rounds.items()}
    best = max(v["words_a_second"] for n, v in means.items() if n != "elman")
    print(json.dumps({
        "gensim": gensim.__version__, "threads": args.threads, "rounds": args.rounds,
        "speed_ratio": round(means["elman"]["words_a_second"] / best, 2),
        "means": {n: {k: round(v, 4) for k, v in m.items()} for n, m in means.items()},
    }, indent=2))  # fmt: skip


if __name__ == "__main__":
    main()

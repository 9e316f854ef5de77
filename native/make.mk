# Targets for whoever works on the native engine. Included by the Makefile.
CMAKE ?= $(shell command -v cmake || echo $(BIN)/cmake)
NATIVE_BUILD ?= build/native

.PHONY: native
native:  ## build the native engine into the source tree, for those who run from it
	$(CMAKE) -S . -B $(NATIVE_BUILD) -DCMAKE_BUILD_TYPE=Release -DELMAN_WIDE=ON > /dev/null
	$(CMAKE) --build $(NATIVE_BUILD) --parallel 2
	cp $(NATIVE_BUILD)/libelman_native.so src/elman/engines/libelman_native.so.new
	mv src/elman/engines/libelman_native.so.new src/elman/engines/libelman_native.so

PYTHON_HERE := $(shell test -x $(BIN)/python && echo $(BIN)/python || echo python)
ENGINE := native/abi.cpp native/additive.cpp native/arena.cpp native/checks.cpp native/crowd.cpp native/ctc.cpp native/dispatch.cpp native/job.cpp native/next.cpp native/program.cpp native/rows.cpp native/scan.cpp native/threads.cpp
SANITIZED := -std=c++17 -g -O1 -fno-omit-frame-pointer -ffp-contract=fast -Wno-psabi -Inative

.PHONY: native-asan native-tsan
native-asan:  ## the contract, the random cells and thousands of wrong calls under the address and undefined-behaviour sanitizers
	mkdir -p build/asan
	$(CXX) $(SANITIZED) -fPIC -shared -fsanitize=address,undefined -fno-sanitize-recover=undefined -DELMAN_ISA=portable \
	  -DELMAN_VECTOR_BYTES=32 -mavx2 -mfma $(ENGINE) native/peak.cpp native/isa/kernels.cpp -o build/asan/libelman_native.so -ldl -pthread
	export ELMAN_LIBRARY=$(CURDIR)/build/asan/libelman_native.so ASAN_OPTIONS=detect_leaks=0 \
	  LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libubsan.so) $$($(CXX) -print-file-name=libstdc++.so)"; \
	  $(PYTHON_HERE) -c "from elman.engines import library; library.load()" && $(PYTHON_HERE) -m pytest -q -p no:cacheprovider tests/contract tests/native/test_random_cells.py -k "native and not gradgrad and not second" && \
	  ELMAN_FUZZ_CASES=$${ELMAN_FUZZ_CASES:-5000} $(PYTHON_HERE) -m pytest -q -p no:cacheprovider tests/native/test_wrong_calls.py tests/native/test_wrong_programs.py tests/layers/test_wrong_weights.py

native-tsan:  ## the engine from several threads under the thread sanitizer
	mkdir -p build/tsan
	for cell in GRU Normed; do $(PYTHON_HERE) native/driver/programs.py build/tsan/$$cell.txt $$cell || exit 1; done
	$(CXX) $(SANITIZED) -fsanitize=thread -DELMAN_ISA=portable $(ENGINE) native/isa/kernels.cpp native/driver/threads.cpp \
	  -o build/tsan/threads -ldl -pthread
	for cell in GRU Normed; do build/tsan/threads build/tsan/$$cell.txt || exit 1; done

# Targets for whoever works on the native engine. Included by the Makefile.
CMAKE ?= $(shell command -v cmake || echo $(BIN)/cmake)
NATIVE_BUILD ?= build/native
SANITIZED_BUILD ?= build

.PHONY: native
native:  ## build the native engine into the source tree, for those who run from it
	$(CMAKE) -S . -B $(NATIVE_BUILD) -DCMAKE_BUILD_TYPE=Release -DELMAN_WIDE=ON > /dev/null
	$(CMAKE) --build $(NATIVE_BUILD) --parallel 2
	cp $(NATIVE_BUILD)/libelman_native.so src/elman/engines/libelman_native.so.new
	mv src/elman/engines/libelman_native.so.new src/elman/engines/libelman_native.so

PYTHON_HERE := $(shell test -x $(BIN)/python && echo $(BIN)/python || echo python)
ENGINE := native/abi.cpp native/additive.cpp native/arena.cpp native/checks.cpp native/crowd.cpp native/ctc.cpp native/dispatch.cpp native/handles.cpp native/job.cpp native/next.cpp native/next_checks.cpp native/program.cpp native/rows.cpp native/scan.cpp native/threads.cpp
PORTABLE := -DELMAN_PORTABLE_HALVES native/isa/kernels.cpp native/isa/halves.cpp
DRIVER := native/driver/main.cpp native/driver/training.cpp native/driver/texts.cpp native/driver/losses.cpp
SANITIZED := -std=c++17 -g -O1 -fno-omit-frame-pointer -ffp-contract=fast -Wno-psabi -Inative

comma := ,
# $(call drive,FOLDER,FLAGS): the driver, built so and run
define drive
	for cell in GRU Normed LSTM; do $(PYTHON_HERE) native/driver/programs.py $(1)/$$cell.txt $$cell || exit 1; done
	$(CXX) $(SANITIZED) $(2) -DELMAN_ISA=portable $(ENGINE) $(PORTABLE) $(DRIVER) -o $(1)/driver -ldl -pthread
	$(1)/driver $(1)/GRU.txt $(1)/Normed.txt $(1)/LSTM.txt
endef

.PHONY: native-asan native-tsan
native-asan:  ## the driver, the contract, random cells and thousands of wrong calls under the address and undefined-behaviour sanitizers
	mkdir -p $(SANITIZED_BUILD)/asan
	$(call drive,$(SANITIZED_BUILD)/asan,-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined)
	$(CXX) $(SANITIZED) -fPIC -shared -fsanitize=address,undefined -fno-sanitize-recover=undefined -DELMAN_ISA=portable \
	  -DELMAN_VECTOR_BYTES=32 -mavx2 -mfma $(ENGINE) native/peak.cpp $(PORTABLE) -o $(SANITIZED_BUILD)/asan/libelman_native.so -ldl -pthread
	export ELMAN_LIBRARY=$(abspath $(SANITIZED_BUILD))/asan/libelman_native.so ASAN_OPTIONS=detect_leaks=0 \
	  LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libubsan.so) $$($(CXX) -print-file-name=libstdc++.so)"; \
	  $(PYTHON_HERE) -c "from elman.engines import library; library.load()" && $(PYTHON_HERE) -m pytest -q -p no:cacheprovider tests/contract tests/native/test_random_cells.py -k "native and not gradgrad and not second" && \
	  ELMAN_FUZZ_CASES=$${ELMAN_FUZZ_CASES:-5000} $(PYTHON_HERE) -m pytest -q -p no:cacheprovider tests/native/test_wrong_calls.py tests/native/test_wrong_programs.py tests/layers/test_wrong_weights.py \
	  tests/native/test_next.py tests/native/test_eight.py tests/native/test_halves.py tests/native/test_ctc.py tests/native/test_additive.py tests/models/test_one_text.py

native-tsan:  ## the engine from several threads under the thread sanitizer
	mkdir -p $(SANITIZED_BUILD)/tsan
	$(call drive,$(SANITIZED_BUILD)/tsan,-fsanitize=thread)

# Targets for whoever works on the native engine. Included by the Makefile.
CMAKE ?= $(shell command -v cmake || echo $(BIN)/cmake)
NATIVE_BUILD ?= build/native

.PHONY: native
native:  ## build the native engine into the source tree, for those who run from it
	$(CMAKE) -S . -B $(NATIVE_BUILD) -DCMAKE_BUILD_TYPE=Release -DELMAN_WIDE=ON > /dev/null
	$(CMAKE) --build $(NATIVE_BUILD) --parallel 2
	cp $(NATIVE_BUILD)/libelman_native.so src/elman/engines/libelman_native.so.new
	mv src/elman/engines/libelman_native.so.new src/elman/engines/libelman_native.so

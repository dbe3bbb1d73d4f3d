# The verbs of this project.  CMake does the building; see CMakePresets.json.
#   make          build for this machine        make arm        build and test both ARM targets (qemu)
#   make demo     run the main job              make check      every target, sanitizers, structure, format
#   make test     run every test                make format     lay the code out
#   make bench    run every benchmark           make clean      remove what was built

.PHONY: all test bench arm asan format check clean

all: build-native
build-%:
	@cmake --preset $* >/dev/null && cmake --build --preset $*
test-%: build-%
	@ctest --preset $*

test: test-native
asan: test-asan
arm: test-aarch64 test-armv7
bench: build-native
	@build/native/bench_kernels
format:
	@clang-format -i $$(git ls-files '*.h' '*.cpp' '*.inl')
check: test asan arm
	@tools/check_isa_objects.sh build/native
	@tools/check_headers.sh
clean:
	@rm -rf build out

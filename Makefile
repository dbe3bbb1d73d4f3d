# The verbs of this project.  CMake does the building; see CMakePresets.json.
#   make          build for this machine        make arm        build and test both ARM targets (qemu)
#   make demo     run the main job              make asan       run every test under ASan and UBSan
#   make test     run every test                make check      all of these, structure and format
#   make bench    run every benchmark           make format     lay the code out
#   make figures  draw the paper's figures      make clean      remove what was built

.PHONY: all demo test bench figures arm asan format check clean

all: build-native
build-native build-asan: build-%:
	@tools/packages.sh build
	@cmake --preset $* >/dev/null && cmake --build --preset $*
build-aarch64 build-armv7: build-%:
	@tools/packages.sh build arm
	@cmake --preset $* >/dev/null && cmake --build --preset $*

demo:
	@tools/packages.sh build
	@cmake --preset native >/dev/null && cmake --build --preset native --target dtacs
	@tools/demo.sh build/native/dtacs out/demo
test: build-native
	@build/native/dtacs_tests
asan: build-asan
	@build/asan/dtacs_tests
arm: build-aarch64 build-armv7
	@ctest --preset aarch64
	@ctest --preset armv7
bench: build-native
	@build/native/bench_kernels
figures: build-native
	@tools/packages.sh references
	@/usr/bin/python3 tools/figures/figures.py out/figures --dtacs build/native/dtacs
format:
	@clang-format -i $$(git ls-files '*.h' '*.cpp' '*.inl')
check: test asan arm
	@tools/check_isa_objects.sh build/native
	@tools/check_headers.sh
	@clang-format --dry-run -Werror $$(git ls-files '*.h' '*.cpp' '*.inl')
clean:
	@rm -rf build out

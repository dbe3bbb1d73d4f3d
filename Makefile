# The verbs of this project.  CMake does the building; see CMakePresets.json.
#   make          build for this machine        make arm        build and test both ARM targets (qemu)
#   make demo     run the main job              make asan       run every test under ASan and UBSan
#   make test     run every test                make check      all but bench, fuzz and figures; format
#   make bench    run every benchmark           make baremetal  images of boards, run in qemu
#   make fuzz     run every fuzzer a minute     make figures    draw the paper's figures
#   make dist     static programs, packed       make gate       self-test on many processors (qemu)
#   make format   lay the code out              make tidy       look for mistakes with clang-tidy
#   make clean    remove what was built

.PHONY: all demo test bench figures arm baremetal dist gate asan fuzz format tidy structure check clean

all: build-native
build-native:
	@tools/packages.sh build
	@cmake --preset native >/dev/null && cmake --build --preset native
build-asan: build-%:
	@tools/packages.sh build
	@cmake --preset $* >/dev/null && cmake --build --preset $* --target dtacs_tests
build-aarch64 build-armv7: build-%:
	@tools/packages.sh build arm
	@cmake --preset $* >/dev/null && cmake --build --preset $* --target dtacs_tests

demo:
	@tools/packages.sh build
	@cmake --preset native >/dev/null && cmake --build --preset native --target dtacs
	@tools/demo.sh build/native/dtacs out/demo
test: build-native
	@build/native/dtacs_tests
asan: build-asan
	@build/asan/dtacs_tests
arm: build-aarch64 build-armv7
	@ctest --preset aarch64 & ctest --preset armv7; status=$$?; wait $$! && exit $$status
fuzz:
	@tools/packages.sh build fuzz
	@cmake --preset fuzz >/dev/null && cmake --build --preset fuzz
	@tools/fuzz.sh build/fuzz out/fuzz $(or $(SECONDS),60) $(TARGETS)
baremetal:
	@tools/packages.sh build baremetal
	@cmake --preset native >/dev/null && cmake --build --preset native --target board_twin
	@tools/check_baremetal.sh build/native/board_twin build/boards
dist:
	@tools/packages.sh build arm dist
	@tools/dist.sh build/dist dist
	@tools/check_dist.sh dist
gate:
	@tools/packages.sh build arm
	@for arch in native aarch64 armv7; do \
	  cmake --preset $$arch >/dev/null && cmake --build --preset $$arch --target dtacs || exit 1; done
	@tools/check_isa_gate.sh $(if $(QUICK),--quick) build/native/dtacs build/aarch64/dtacs build/armv7/dtacs
bench: build-native
	@build/native/bench_kernels
	@build/native/bench --net sc
	@build/native/bench --net ac
figures: build-native
	@tools/packages.sh references
	@/usr/bin/python3 tools/figures/figures.py out/figures --dtacs build/native/dtacs
format:
	@tools/packages.sh format
	@clang-format -i $$(git ls-files '*.h' '*.cpp' '*.inl')
tidy: build-native
	@tools/packages.sh tidy
	@run-clang-tidy -quiet -p build/native '\.cpp$$' >build/tidy.log 2>&1 || { grep -A3 -E '(error|warning):' build/tidy.log; exit 1; }
structure: build-native build-aarch64 build-armv7
	@tools/check_isa_objects.sh build/native build/aarch64 build/armv7
	@tools/check_includes.sh
	@tools/check_freestanding.sh build/native/libdtacs_core.a c++
	@tools/check_freestanding.sh build/aarch64/libdtacs_core.a aarch64-linux-gnu-g++
	@tools/check_freestanding.sh build/armv7/libdtacs_core.a arm-linux-gnueabihf-g++
check: test asan arm gate baremetal dist structure tidy
	@tools/packages.sh format
	@clang-format --dry-run -Werror $$(git ls-files '*.h' '*.cpp' '*.inl')
clean:
	@rm -rf build out dist

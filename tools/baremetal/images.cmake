# The images of one board: `correction.elf`, and `whole.elf` with the classification too where
# its weights fit.  DTACS_BOARD_DATA: folder with scene.bin and board_sizes.h from board_twin.
include(${CMAKE_CURRENT_LIST_DIR}/boards.cmake)
list(GET board_flash 0 FLASH_BEGIN)
list(GET board_flash 1 FLASH_BYTES)
list(GET board_ram 0 RAM_BEGIN)
list(GET board_ram 1 RAM_BYTES)
list(GET board_uart 0 uart_kind)
list(GET board_uart 1 uart_address)

set(start_of_aarch64 start_aarch64.S memory_map.cpp)
set(start_of_arm start_armv7a.S memory_map.cpp)
set(start_of_armv8m start_armv8m.S)
list(TRANSFORM start_of_${board_processor} PREPEND ${CMAKE_CURRENT_LIST_DIR}/ OUTPUT_VARIABLE start)

function(add_image name stack_bytes)
  set(STACK_BYTES ${stack_bytes})
  configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/link.ld.in ${name}.ld @ONLY)
  list(TRANSFORM ARGN PREPEND BOARD_ OUTPUT_VARIABLE definitions)
  add_executable(${name} ${start} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/main.cpp ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/job.cpp
                         ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/libc.cpp ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/images.S)
  target_compile_definitions(${name} PRIVATE ${definitions} BOARD_${uart_kind} BOARD_UART=${uart_address}u
                                             BOARD_RAM_BEGIN=${FLASH_BEGIN}u BOARD_RAM_END=${RAM_BEGIN}u+${RAM_BYTES}u)
  target_compile_options(
    ${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>
                    -Os $<$<NOT:$<STREQUAL:${board_processor},armv8m>>:$<$<COMPILE_LANGUAGE:CXX>:${strict_align}>>)
  target_include_directories(${name} PRIVATE ${DTACS_BOARD_DATA} ${CMAKE_SOURCE_DIR}/weights)
  target_link_libraries(${name} PRIVATE dtacs_core gcc)
  target_link_options(${name} PRIVATE -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack
                      -Wl,--no-warn-rwx-segments -T ${name}.ld -Wl,-Map=${name}.map)
  set_target_properties(${name} PROPERTIES SUFFIX .elf LINK_DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${name}.ld)
  set_source_files_properties(
    ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/images.S
    PROPERTIES OBJECT_DEPENDS "${DTACS_BOARD_DATA}/scene.bin;${CMAKE_SOURCE_DIR}/weights/classification_int8.dtw;\
${CMAKE_SOURCE_DIR}/weights/correction.dtw")
endfunction()

if(board_processor STREQUAL "aarch64")
  set(strict_align -mstrict-align)  # what runs before the MMU is on
elseif(board_processor STREQUAL "arm")
  set(strict_align -mno-unaligned-access)
endif()
# A loop that copies must not become a call of the function it is in.
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/libc.cpp PROPERTIES COMPILE_OPTIONS
                                                                          -fno-tree-loop-distribute-patterns)
add_image(correction 4096)
# Its C interface without U-Nets: the linker then takes nothing of them from the library.
target_sources(correction PRIVATE ${CMAKE_SOURCE_DIR}/net/dtacs_c.cpp)
target_compile_definitions(correction PRIVATE DTACS_WITHOUT_UNETS)
if(NOT board_processor STREQUAL "armv8m")
  add_image(whole 65536 CLASSIFIES)
endif()

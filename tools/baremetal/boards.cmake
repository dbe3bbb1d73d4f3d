# The boards that images are made for, each as qemu emulates it.
#   flash      begin and bytes; where a board's flash is not memory, a part of its RAM
#   ram        begin and bytes: arenas, page tables, stack
#   uart       kind and address
set(in_ram_64M 0x04000000)
if(DTACS_BOARD STREQUAL "virt-a53")  # the generic machine of qemu-system-aarch64
  set(board_processor aarch64)
  set(board_flags "-mcpu=cortex-a53 -U__linux__")  # the compiler is for Linux, the image is not
  set(board_flash 0x40080000 ${in_ram_64M})
  set(board_ram 0x44200000 ${in_ram_64M})
  set(board_uart PL011 0x09000000)
elseif(DTACS_BOARD STREQUAL "raspi3b")  # Raspberry Pi 3: four Cortex-A53
  set(board_processor aarch64)
  set(board_flags "-mcpu=cortex-a53 -U__linux__")  # the compiler is for Linux, the image is not
  set(board_flash 0x00080000 ${in_ram_64M})
  set(board_ram 0x04200000 ${in_ram_64M})
  set(board_uart PL011 0x3f201000)
elseif(DTACS_BOARD STREQUAL "zynq-a9")  # Zynq-7000: two Cortex-A9
  set(board_processor arm)
  set(board_flags "-mcpu=cortex-a9 -mfpu=neon -mfloat-abi=hard -marm")
  set(board_flash 0x00100000 ${in_ram_64M})
  set(board_ram 0x04200000 ${in_ram_64M})
  set(board_uart CADENCE 0xe0000000)
elseif(DTACS_BOARD STREQUAL "an547")  # Corstone-300: Cortex-M55; its tightly coupled memories alone
  set(board_processor armv8m)
  set(board_flags "-mcpu=cortex-m55+nomve -mthumb -mfloat-abi=hard")
  set(board_flash 0x00000000 0x00080000)
  set(board_ram 0x20000000 0x00080000)
  set(board_uart CMSDK 0x49303000)
else()
  message(FATAL_ERROR "DTACS_BOARD is \"${DTACS_BOARD}\": expected virt-a53, raspi3b, zynq-a9 or an547")
endif()
if(board_processor STREQUAL "aarch64")
  set(board_compiler aarch64-linux-gnu-)
else()
  set(board_compiler arm-none-eabi-)
endif()

# The backend /cuda, included by the top CMakeLists.txt where CALLOSUM_CUDA is ON: its files go into libcallosum, whose users
# see CALLOSUM_HAS_CUDA. The CUDA runtime is linked statically and finds the driver when it is called: the program also
# starts where there is no CUDA. A GPU is not needed to build.
#
# Each .cu is a program of its own for the GPU (no -rdc): what kernels call from src/base is in headers, so that the
# compiler sees all of a kernel, knows its registers, and calls nothing by way of the stack.
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(CMAKE_CUDA_COMPILER nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin
               DOC "The CUDA compiler")
  if(NOT CMAKE_CUDA_COMPILER)
    message(FATAL_ERROR "CALLOSUM_CUDA=ON needs nvcc, which is neither in PATH nor in /usr/local/cuda/bin: name it with "
                        "-DCMAKE_CUDA_COMPILER=PATH, or build without CUDA (preset release)")
  endif()
endif()
# Code for A100, H100 and B200, and an intermediate form that drivers compile for what comes later.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
  set(CMAKE_CUDA_ARCHITECTURES "80-real;90-real;100" CACHE STRING "GPUs to compile for (CMake's CUDA_ARCHITECTURES)")
endif()
enable_language(CUDA)
set(CMAKE_CUDA_FLAGS_RELEASE "-O3 -lineinfo")
set(CMAKE_CUDA_FLAGS_DEBUG "-O1 -lineinfo -g -DCALLOSUM_DEBUG")
find_package(CUDAToolkit REQUIRED)

file(GLOB CUDA_BACKEND_FILES CONFIGURE_DEPENDS src/backend/cuda/*.cu src/backend/cuda/*.c)
target_sources(callosum PRIVATE ${CUDA_BACKEND_FILES})
# The bits must be those of the CPU: nothing contracted, nothing flushed to zero, division and root rounded correctly.
# Compressed, kernels with the lines of their source take a tenth (12 MB less).
target_compile_options(callosum PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:--fmad=false -prec-div=true -prec-sqrt=true \
-ftz=false -Werror all-warnings -Xcompiler=-Wall,-Wextra,-Werror,-ffp-contract=off --resource-usage --compress-mode=size>")
# Keeps what --resource-usage says of every kernel beside its object, for tests/cuda/test_resources.py.
set_target_properties(callosum PROPERTIES
  CUDA_ARCHITECTURES "${CMAKE_CUDA_ARCHITECTURES}" CUDA_STANDARD 17 CUDA_STANDARD_REQUIRED ON
  CUDA_COMPILER_LAUNCHER ${CMAKE_SOURCE_DIR}/src/backend/cuda/keep_resources.sh)
target_compile_definitions(callosum PUBLIC CALLOSUM_HAS_CUDA)
target_link_libraries(callosum PRIVATE CUDA::cudart_static)
# The little that nvcc's own host code takes from C++.
target_link_options(callosum INTERFACE -static-libstdc++ -static-libgcc)

# ---- what a GPU can do at best: benchmarks/gpu.sh ----
add_executable(gpu_floor benchmarks/gpu_floor.cu)
target_include_directories(gpu_floor PRIVATE ${CMAKE_SOURCE_DIR}/src)
set_target_properties(gpu_floor PROPERTIES CUDA_ARCHITECTURES "${CMAKE_CUDA_ARCHITECTURES}" CUDA_STANDARD 17)
target_compile_options(gpu_floor PRIVATE "SHELL:-Werror all-warnings")
target_link_libraries(gpu_floor PRIVATE CUDA::cudart_static)
target_link_options(gpu_floor PRIVATE -static-libstdc++ -static-libgcc)
install(TARGETS gpu_floor)

/* Devices and the names of errors. */
#include "executor.h"

#include <cstdio>
#include <cstring>

using namespace cuda_host;

static const int L2_BYTES = 50 << 20, MAJOR = 9, MINOR = 0, VERSION = 13000;
static int chosen;

static cudaError_t check(int device) {
  if (environment().devices == 0) return told(cudaErrorNoDevice);
  if (device < 0 || device >= (int)environment().devices)
    return refuse(cudaErrorInvalidDevice, "device %d of %u", device, environment().devices);
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count) {
  guard held(lock);
  *count = (int)environment().devices;
  return *count ? cudaSuccess : told(cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device) {
  guard held(lock);
  cudaError_t error = check(device);
  if (error == cudaSuccess) chosen = device;
  return error;
}

cudaError_t cudaGetDevice(int *device) {
  guard held(lock);
  *device = chosen;
  return check(chosen);
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device) {
  guard held(lock);
  cudaError_t error = check(device);
  if (error != cudaSuccess) return error;
  switch (attribute) {
  case cudaDevAttrMaxThreadsPerBlock:
  case cudaDevAttrMaxBlockDimX:
    *value = 1024;
    break;
  case cudaDevAttrMaxGridDimX:
    *value = 0x7fffffff;
    break;
  case cudaDevAttrMaxSharedMemoryPerBlock:
    *value = 48 << 10;
    break;
  case cudaDevAttrWarpSize:
    *value = 32;
    break;
  case cudaDevAttrMultiProcessorCount:
    *value = (int)environment().multiprocessors;
    break;
  case cudaDevAttrConcurrentKernels:
  case cudaDevAttrUnifiedAddressing:
  case cudaDevAttrCooperativeLaunch:
    *value = 1;
    break;
  case cudaDevAttrL2CacheSize:
    *value = L2_BYTES;
    break;
  case cudaDevAttrMaxThreadsPerMultiProcessor:
    *value = 2048;
    break;
  case cudaDevAttrAsyncEngineCount:
    *value = 2;
    break;
  case cudaDevAttrComputeCapabilityMajor:
    *value = MAJOR;
    break;
  case cudaDevAttrComputeCapabilityMinor:
    *value = MINOR;
    break;
  default:
    return refuse(cudaErrorInvalidValue, "attribute %d is not known here", (int)attribute);
  }
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device) {
  guard held(lock);
  cudaError_t error = check(device);
  if (error != cudaSuccess) return error;
  memset(properties, 0, sizeof *properties);
  strcpy(properties->name, "CPU that executes kernels for tests");
  properties->totalGlobalMem = environment().bytes;
  properties->sharedMemPerBlock = 48 << 10;
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = 1024;
  properties->major = MAJOR;
  properties->minor = MINOR;
  properties->multiProcessorCount = (int)environment().multiprocessors;
  properties->l2CacheSize = L2_BYTES;
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->cooperativeLaunch = 1;
  properties->pciBusID = device;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version) {
  *version = environment().devices ? VERSION : 0;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
  *version = VERSION;
  return cudaSuccess;
}

static const struct {
  cudaError_t error;
  const char *name, *text;
} errors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorInvalidPitchValue, "cudaErrorInvalidPitchValue", "invalid pitch argument"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice",
     "no kernel image is available for execution on the device"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    {cudaErrorLaunchOutOfResources, "cudaErrorLaunchOutOfResources",
     "too many resources requested for launch"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorCooperativeLaunchTooLarge, "cudaErrorCooperativeLaunchTooLarge",
     "too many blocks in cooperative launch"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};

const char *cudaGetErrorName(cudaError_t error) {
  for (const auto &e : errors)
    if (e.error == error) return e.name;
  return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error) {
  for (const auto &e : errors)
    if (e.error == error) return e.text;
  return "unrecognized error code";
}

/* Sorting of many short columns at once. */
#pragma once

#include <stdint.h>

/* Sorts every one of kNetworkBytes / size columns of n rows, which lie one behind the other; the
 * keys are signed integers of that size, 4 or 8 bytes. */
typedef void (*SortColumns)(void* keys, int64_t n);

enum { kNetworkBytes = 64 };

struct OrderKernels {
  SortColumns columns32, columns64;
};

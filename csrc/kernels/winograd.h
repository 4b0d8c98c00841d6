/* Winograd's minimal filtering of images with kernels of `taps` x `taps`: the three transforms,
 * vectors along the channels. A tile of `size` x `size` results needs side^2 products, side = size
 * + taps - 1, instead of taps^2 size^2.
 *
 * Method: A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks" (2016): F(2x2,
 * 3x3) with the points 0, 1, -1, infinity, F(4x4, 3x3) and F(2x2, 5x5) with 2 and -2 besides,
 * F(2x2, 7x7) with 1/2 and -1/2 too. */
#pragma once

#include <stdint.h>

/* What of a tile lies in an image. */
struct WinogradTile {
  int64_t row, pixel;  /* elements to the next one */
  int32_t top, bottom; /* rows of the tile that lie in the image */
  int32_t left, right; /* its columns */
  int64_t channels;
};

/* Image to frequencies: to[f * frequency + c], f < side^2. Outside the image is zero. */
struct WinogradInput {
  const void* from; /* where row 0, column 0 of the tile would lie */
  struct WinogradTile tile;
  void* to;
  int64_t frequency;
};

/* Kernel to frequencies, for `channels` rows of at most `padded` columns; the missing are zero. */
struct WinogradKernel {
  const void* from; /* tap 0 */
  int64_t tap, from_row;
  int64_t channels, columns, padded;
  void* to; /* rows of `padded` elements */
  int64_t frequency;
};

/* Frequencies to results: relu(sum + bias + residual), each step only where it is asked for. */
struct WinogradOutput {
  const void* from;
  int64_t frequency;
  int64_t filters;
  const void* bias;
  const void* residual; /* as `to` */
  void* to;
  int64_t row, pixel;
  int32_t rows, columns; /* that are kept */
  int32_t relu;
  int32_t reserved;
};

/* Frequencies to what a tile of the signal adds to an image, for the gradient by the image. */
struct WinogradOverlap {
  const void* from;
  int64_t frequency;
  struct WinogradTile tile;
  void* to; /* where row 0, column 0 of the tile would lie */
};

struct WinogradTransforms {
  void (*input)(const struct WinogradInput*);
  void (*kernel)(const struct WinogradKernel*);
  void (*output)(const struct WinogradOutput*);
};

/* The gradients: tiles of the signal, of `size` x `size`, to frequencies; their products with tiles
 * of images, summed, to the taps (as rows and columns); their products with the kernel's to tiles
 * of `side` x `side` of the image, which overlap (or null). */
struct WinogradAdjoint {
  void (*signal)(const struct WinogradInput*);
  void (*taps)(const struct WinogradOutput*);
  void (*overlap)(const struct WinogradOverlap*);
};

struct WinogradKernels {
  struct WinogradTransforms two, four, five, seven;   /* F(2, 3), F(4, 3), F(2, 5), F(2, 7) */
  struct WinogradAdjoint by_three, by_five, by_seven; /* of the last three */
};

// Elementary functions on Vec: within 2 ULP over the whole range, right at zeros, infinities, NaN
// and subnormals, without branches, and with the same bits on every target that has FMA.
//
// The polynomials are minimax fits (Remez's algorithm, in 200 bits) made for this file; the
// methods are the classical ones of Cody and Waite (Software manual for the elementary functions,
// 1980) and of Tang (Table-driven and other argument reductions, 1989 to 1992).
#pragma once

#include "simd/vec_exp.h"
#include "simd/vec_log.h"

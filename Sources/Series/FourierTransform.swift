// Role: the discrete Fourier transform of any length in O(n log n): Stockham's radix 2 for powers of two, Bluestein's chirp convolution for
// all other lengths. Unscaled forwards, divided by n backwards, as in series_fft() and series_ifft().

#if canImport(Glibc)
import Glibc
#endif

/// Complex numbers as two arrays of equal length.
package struct ComplexSeries: Sendable, Equatable {
  package var real: [Double]
  package var imaginary: [Double]

  package init(real: [Double], imaginary: [Double]) {
    self.real = real
    self.imaginary = imaginary
  }

  /// Real numbers.
  package init(_ real: [Double]) { self.init(real: real, imaginary: [Double](repeating: 0, count: real.count)) }

  package var count: Int { real.count }

  /// X(k) = Σ x(j)·exp(-2πi·jk/n).
  package var transformed: ComplexSeries {
    guard count > 1 else { return self }
    return count & (count - 1) == 0 ? RadixTwoTransform(count).forward(self) : chirpTransform(self)
  }

  /// The inverse of `transformed`: x(j) = 1/n·Σ X(k)·exp(2πi·jk/n).
  package var inverseTransformed: ComplexSeries {
    // Swapping the parts before and after turns the forward transform into the backward one.
    let swapped = ComplexSeries(real: imaginary, imaginary: real).transformed
    let scale = count > 0 ? 1 / Double(count) : 1
    return ComplexSeries(real: swapped.imaginary.map { $0 * scale }, imaginary: swapped.real.map { $0 * scale })
  }
}

/// The least power of two that is not below `n`.
func powerOfTwo(atLeast n: Int) -> Int {
  var size = 1
  while size < n { size &*= 2 }
  return size
}

/// The transform of one power-of-two length, its roots of unity computed once.
struct RadixTwoTransform {
  private let count: Int
  private let cosines: [Double]
  private let sines: [Double]

  init(_ count: Int) {
    self.count = count
    let step = -2 * Double.pi / Double(count)
    cosines = (0..<count / 2).map { cos(step * Double($0)) }
    sines = (0..<count / 2).map { sin(step * Double($0)) }
  }

  func forward(_ input: ComplexSeries) -> ComplexSeries {
    var from = input
    var to = ComplexSeries([Double](repeating: 0, count: count))
    var half = count / 2, stride = 1
    while half >= 1 {
      pass(from, &to, half, stride)
      swap(&from, &to)
      half /= 2
      stride *= 2
    }
    return from
  }

  /// One stage: butterflies between elements `half * stride` apart; results come out in order, so that no bit reversal is needed.
  private func pass(_ from: ComplexSeries, _ to: inout ComplexSeries, _ half: Int, _ stride: Int) {
    unsafe from.real.withUnsafeBufferPointer { xr in
      unsafe from.imaginary.withUnsafeBufferPointer { xi in
        unsafe to.real.withUnsafeMutableBufferPointer { yr in
          unsafe to.imaginary.withUnsafeMutableBufferPointer { yi in
            guard let xr = xr.baseAddress, let xi = xi.baseAddress, let yr = yr.baseAddress, let yi = yi.baseAddress else { return }
            // SAFETY: all four arrays have `count` elements (made so by `forward`) and count = 2 * half * stride, so that the greatest index
            // used, 2 * half * stride - 1, lies inside; input and output are different arrays.
            for j in 0..<half {
              let wr = cosines[j * stride], wi = sines[j * stride]
              let a = j &* stride, b = a &+ half &* stride, o = 2 &* a
              for k in 0..<stride {
                let dr = unsafe xr[a &+ k] - xr[b &+ k], di = unsafe xi[a &+ k] - xi[b &+ k]
                unsafe yr[o &+ k] = unsafe xr[a &+ k] + xr[b &+ k]
                unsafe yi[o &+ k] = unsafe xi[a &+ k] + xi[b &+ k]
                unsafe yr[o &+ stride &+ k] = wr * dr - wi * di
                unsafe yi[o &+ stride &+ k] = wr * di + wi * dr
              }
            }
          }
        }
      }
    }
  }
}

/// Bluestein: jk = (j² + k² - (k - j)²) / 2 makes the transform a convolution with a chirp, done with power-of-two transforms.
private func chirpTransform(_ x: ComplexSeries) -> ComplexSeries {
  let n = x.count
  let size = powerOfTwo(atLeast: 2 * n - 1)
  var chirp = ComplexSeries([Double](repeating: 0, count: n))
  for k in 0..<n {
    // k² modulo 2n keeps the angle exact for large k.
    let angle = Double.pi * Double(k * k % (2 * n)) / Double(n)
    chirp.real[k] = cos(angle)
    chirp.imaginary[k] = -sin(angle)
  }
  var a = ComplexSeries([Double](repeating: 0, count: size)), b = a
  for k in 0..<n {
    a.real[k] = x.real[k] * chirp.real[k] - x.imaginary[k] * chirp.imaginary[k]
    a.imaginary[k] = x.real[k] * chirp.imaginary[k] + x.imaginary[k] * chirp.real[k]
    b.real[k] = chirp.real[k]
    b.imaginary[k] = -chirp.imaginary[k]
    if k > 0 {
      b.real[size - k] = chirp.real[k]
      b.imaginary[size - k] = -chirp.imaginary[k]
    }
  }
  let transform = RadixTwoTransform(size)
  a = transform.forward(a)
  b = transform.forward(b)
  // The product, its parts swapped: transforming that once more gives the inverse, swapped again and `size` times too large.
  var product = ComplexSeries([Double](repeating: 0, count: size))
  for k in 0..<size {
    product.imaginary[k] = a.real[k] * b.real[k] - a.imaginary[k] * b.imaginary[k]
    product.real[k] = a.real[k] * b.imaginary[k] + a.imaginary[k] * b.real[k]
  }
  product = transform.forward(product)
  var out = ComplexSeries([Double](repeating: 0, count: n))
  let scale = 1 / Double(size)
  for k in 0..<n {
    let re = product.imaginary[k] * scale, im = product.real[k] * scale
    out.real[k] = re * chirp.real[k] - im * chirp.imaginary[k]
    out.imaginary[k] = re * chirp.imaginary[k] + im * chirp.real[k]
  }
  return out
}

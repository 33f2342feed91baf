// swift-tools-version: 6.1
import PackageDescription

/// Numerical C is optimised in every configuration: a debug build that trains a hundred times slower tests nothing.
/// Contraction is off so that a fused multiply-add happens where the source says so, and nowhere else: the same
/// element gives the same bits in a vector body and in a tail.
let numericalC: [CSetting] = [.unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno"])]

let package = Package(
  name: "elbo",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Elbo", targets: ["Tensors"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // Installed libraries.
    .systemLibrary(name: "CLAPACK"),
    .target(name: "COneDNN", cSettings: numericalC, linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),

    // The rooms, lower ones first; nothing imports upwards.
    .target(name: "CKernels", cSettings: numericalC),
    .target(name: "Tensors", dependencies: ["CKernels", "COneDNN"]),
    .target(name: "LinearAlgebra", dependencies: ["CLAPACK"]),
    .target(name: "Distributions", dependencies: ["LinearAlgebra"]),
    .target(name: "CExact", exclude: ["kernels.inc", "undefine.inc"], cSettings: numericalC),
    .target(name: "Exact", dependencies: ["CExact", "Distributions", "LinearAlgebra"]),

    // Benchmarks.
    .executableTarget(
      name: "exact-bench", dependencies: ["Distributions", "Exact", "LinearAlgebra"], path: "scripts/bench/exact"),

    // Tests.
    .target(name: "ReferenceSupport", path: "Tests/ReferenceSupport"),
    .testTarget(
      name: "DistributionsTests", dependencies: ["Distributions", "LinearAlgebra", "ReferenceSupport"],
      exclude: ["Golden"]),
    .testTarget(
      name: "ExactTests", dependencies: ["CExact", "Distributions", "Exact", "LinearAlgebra", "ReferenceSupport"],
      exclude: ["Golden"]),
    .testTarget(name: "LinearAlgebraTests", dependencies: ["LinearAlgebra", "ReferenceSupport"], exclude: ["Golden"]),
    .testTarget(name: "TensorsTests", dependencies: ["Tensors"]),
  ]
)

/// The same checks for every target: `any` is written where a value is boxed (boxing costs in hot loops), and a
/// member is only visible where its module is imported (the house's "nothing imports upwards" stays checkable).
for target in package.targets where target.type != .system {
  target.swiftSettings = (target.swiftSettings ?? []) + [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ]
}

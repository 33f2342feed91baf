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
    .target(name: "COneDNN", cSettings: numericalC, linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),

    .systemLibrary(name: "CZeroMQ"),
    .systemLibrary(name: "CProtobufC"),

    // The rooms, lower ones first; nothing imports upwards.
    .target(name: "CKernels", cSettings: numericalC),
    .target(name: "CChecksum", cSettings: [.unsafeFlags(["-O3"])]),
    .target(name: "CMessages", dependencies: ["CProtobufC"]),
    .target(name: "Tensors", dependencies: ["CKernels", "COneDNN"]),
    .target(name: "Messages", dependencies: ["CChecksum", "CMessages", "CProtobufC"]),
    .target(name: "ZeroMQ", dependencies: ["CZeroMQ"]),
    .target(name: "Cluster", dependencies: ["Messages"]),

    // Tests.
    .testTarget(name: "TensorsTests", dependencies: ["Tensors"]),
    .testTarget(name: "MessagesTests", dependencies: ["Messages", "CChecksum", "CMessages"], exclude: ["Golden"]),
    .testTarget(name: "ZeroMQTests", dependencies: ["ZeroMQ"]),
    .testTarget(name: "ClusterTests", dependencies: ["Cluster", "Messages"]),
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

// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "elbo",
  products: [
    .executable(name: "elbo", targets: ["elbo"]),
    .library(name: "Elbo", targets: ["Runs", "Training", "Models", "Learners"]),
    .library(name: "ElboCommand", targets: ["ElboCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [
    // Installed libraries.
    .systemLibrary(
      name: "CLAPACK", path: "Sources/C/CLAPACK", providers: [.apt(["libopenblas-dev", "liblapacke-dev"])]),
    .systemLibrary(name: "CSodium", path: "Sources/C/CSodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "CZlib", path: "Sources/C/CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CProtobufC", path: "Sources/C/CProtobufC", providers: [.apt(["libprotobuf-c-dev"])]),
    .systemLibrary(name: "CZeroMQ", path: "Sources/C/CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
    .systemLibrary(name: "CSQLite", path: "Sources/C/CSQLite", providers: [.apt(["libsqlite3-dev"])]),
    .target(
      name: "CArrayFiles", path: "Sources/C/CArrayFiles",
      linkerSettings: [.linkedLibrary("hdf5_serial"), .linkedLibrary("matio")]),
    .target(
      name: "COneDNN", path: "Sources/C/COneDNN", linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),
    .target(name: "CJPEG", path: "Sources/C/CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
    .target(name: "CPNG", path: "Sources/C/CPNG", linkerSettings: [.linkedLibrary("png")]),

    // The modules, lower ones first; nothing imports upwards.
    .target(name: "CFiles", path: "Sources/C/CFiles"),
    .target(name: "Files", dependencies: ["CFiles", "CSodium"]),
    .target(name: "Figures"),
    .target(name: "Images", dependencies: ["CJPEG", "CPNG", "CZlib"]),
    .target(name: "LinearAlgebra", dependencies: ["CLAPACK"]),
    .target(name: "CKernels", path: "Sources/C/CKernels"),
    .target(name: "CExact", path: "Sources/C/CExact", exclude: ["kernels.inc", "undefine.inc"]),
    .target(name: "Tensors", dependencies: ["CKernels", "COneDNN"]),
    .target(name: "Distributions", dependencies: ["CKernels", "LinearAlgebra", "Tensors"]),
    .target(name: "Recipes", dependencies: ["Files", "Yams"]),
    .target(name: "Computations"),
    .target(name: "Networks", dependencies: ["CKernels", "Computations", "Distributions", "Recipes", "Tensors"]),
    .target(name: "Metrics", dependencies: ["LinearAlgebra"]),
    .target(name: "Optimizers", dependencies: ["CKernels"]),
    .target(name: "Statistics", dependencies: ["CExact", "Distributions", "LinearAlgebra"]),
    .target(name: "Datasets", dependencies: ["CArrayFiles", "CSQLite", "CZlib", "Files", "Images"]),
    .target(
      name: "Training",
      dependencies: [
        "CKernels", "COneDNN", "Computations", "Datasets", "Figures", "Files", "Images", "LinearAlgebra", "Metrics",
        "Optimizers", "Tensors",
      ]),
    // What families of models share; the families, each with its mathematics, learners, figures and recipes; their table.
    .target(
      name: "Learners",
      dependencies: [
        "CKernels", "Computations", "Datasets", "Distributions", "Figures", "LinearAlgebra", "Metrics", "Networks",
        "Optimizers", "Recipes", "Statistics", "Tensors", "Training",
      ]),
    .target(
      name: "Components",
      dependencies: [
        "Datasets", "Distributions", "Figures", "Learners", "LinearAlgebra", "Recipes", "Statistics", "Tensors",
        "Training",
      ],
      resources: [.embedInCode("Recipes")]),
    .target(
      name: "Mixtures",
      dependencies: [
        "CExact", "Components", "Datasets", "Distributions", "Figures", "Learners", "LinearAlgebra", "Recipes",
        "Statistics", "Tensors", "Training",
      ],
      resources: [.embedInCode("Recipes")]),
    .target(
      name: "Regression",
      dependencies: [
        "CExact", "Datasets", "Distributions", "Figures", "Learners", "LinearAlgebra", "Metrics", "Recipes",
        "Statistics", "Tensors", "Training",
      ],
      resources: [.embedInCode("Recipes")]),
    .target(
      name: "Processes",
      dependencies: [
        "CExact", "Datasets", "Figures", "Learners", "LinearAlgebra", "Mixtures", "Recipes", "Regression",
        "Statistics", "Tensors", "Training",
      ],
      resources: [.embedInCode("Recipes")]),
    .target(
      name: "Conjugate",
      dependencies: [
        "Components", "Datasets", "Distributions", "Figures", "Learners", "LinearAlgebra", "Recipes", "Training",
      ]),
    .target(
      name: "BayesianNetworks",
      dependencies: [
        "CKernels", "Computations", "Datasets", "Distributions", "Figures", "Files", "Learners", "LinearAlgebra",
        "Metrics", "Networks", "Optimizers", "Recipes", "Tensors", "Training",
      ],
      resources: [.embedInCode("Recipes")]),
    .target(
      name: "Autoencoders",
      dependencies: [
        "Computations", "Datasets", "Distributions", "Figures", "Learners", "LinearAlgebra", "Networks", "Recipes",
        "Tensors", "Training",
      ],
      resources: [.embedInCode("Recipes")]),
    .target(
      name: "Adversarial",
      dependencies: [
        "CKernels", "Computations", "Datasets", "Distributions", "Figures", "Learners", "LinearAlgebra", "Metrics",
        "Networks", "Optimizers", "Recipes", "Tensors", "Training",
      ],
      resources: [.embedInCode("Recipes")]),
    .target(
      name: "Vision",
      dependencies: [
        "BayesianNetworks", "Computations", "Datasets", "Figures", "Images", "Learners", "LinearAlgebra", "Metrics",
        "Networks", "Recipes", "Tensors", "Training",
      ],
      resources: [.embedInCode("Recipes")]),
    .target(
      name: "Sequences",
      dependencies: [
        "BayesianNetworks", "CKernels", "Components", "Computations", "Datasets", "Distributions", "Figures",
        "Learners", "LinearAlgebra", "Metrics", "Mixtures", "Networks", "Recipes", "Statistics", "Tensors",
        "Training",
      ],
      resources: [.embedInCode("Recipes")]),
    .target(
      name: "Experiments",
      dependencies: [
        "BayesianNetworks", "CKernels", "Figures", "Learners", "LinearAlgebra", "Networks", "Optimizers", "Tensors",
        "Training",
      ]),
    .target(
      name: "Models",
      dependencies: [
        "Adversarial", "Autoencoders", "BayesianNetworks", "Components", "Learners", "Mixtures", "Processes",
        "Recipes", "Regression", "Sequences", "Vision",
      ]),
    .target(name: "CChecksum", path: "Sources/C/CChecksum"),
    .target(
      name: "Reports",
      dependencies: [
        "CChecksum", "Figures", "Files", "Images", "Metrics",
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(name: "CMemory", path: "Sources/C/CMemory"),
    .target(name: "CMessages", dependencies: ["CProtobufC"], path: "Sources/C/CMessages"),
    .target(name: "Messages", dependencies: ["CChecksum", "CMessages", "CProtobufC"]),
    .target(name: "ZeroMQ", dependencies: ["CZeroMQ"]),
    .target(
      name: "Cluster", dependencies: ["CKernels", "CMemory", "Files", "Messages", "Tensors", "Training", "ZeroMQ"]),
    .target(
      name: "Runs",
      dependencies: [
        "BayesianNetworks", "Computations", "Conjugate", "Datasets", "Experiments", "Figures", "Files", "Images",
        "Learners", "LinearAlgebra", "Metrics", "Models", "Recipes", "Reports", "Statistics", "Tensors", "Training",
        "Vision",
      ]),
    .target(
      name: "ClusterRuns",
      dependencies: [
        "BayesianNetworks", "Cluster", "Datasets", "Files", "Learners", "Messages", "Metrics", "Recipes", "Reports",
        "Runs", "Tensors", "Training", "Yams", "ZeroMQ",
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .target(
      name: "HTTPServer",
      dependencies: [
        "CSodium", "Files",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    .target(
      name: "Serving",
      dependencies: ["Datasets", "Files", "HTTPServer", "Recipes", "Reports", "Runs", "Training"],
      resources: [.embedInCode("Documents")]),
    .target(
      name: "Pages",
      dependencies: [
        "Cluster", "ClusterRuns", "Figures", "Files", "HTTPServer", "Learners", "Messages", "Metrics", "Models",
        "Recipes", "Reports", "Runs", "Training", "ZeroMQ",
      ],
      resources: [.embedInCode("Web")]),
    .target(
      name: "ElboCommand",
      dependencies: [
        "Autoencoders", "BayesianNetworks", "Cluster", "ClusterRuns", "Conjugate", "Datasets", "Distributions",
        "Experiments", "Files", "HTTPServer", "Learners", "LinearAlgebra", "Metrics", "Models", "Networks", "Pages",
        "Recipes", "Reports", "Runs", "Serving", "Tensors", "Training", "ZeroMQ",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(name: "elbo", dependencies: ["ElboCommand"]),
    .executableTarget(
      name: "elbo-bench",
      dependencies: [
        "Autoencoders", "CKernels", "COneDNN", "Datasets", "Recipes", "Statistics", "Tensors", "Training",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // Benchmarks.
    .executableTarget(
      name: "exact-bench",
      dependencies: [
        "Components", "Distributions", "Learners", "LinearAlgebra", "Mixtures", "Regression", "Statistics",
      ], path: "scripts/bench/exact"),
    .executableTarget(
      name: "exchange-bench", dependencies: ["Cluster", "Messages", "Tensors", "Training", "ZeroMQ"],
      path: "scripts/bench/exchange"),

    // Tests.
    .target(name: "ReferenceSupport", path: "Tests/ReferenceSupport"),
    .testTarget(name: "CKernelsTests", dependencies: ["CKernels"], exclude: ["Golden"]),
    .target(name: "GradientChecks", dependencies: ["Tensors"], path: "Tests/GradientChecks"),
    .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Files", "Images"], exclude: ["Golden"]),
    .testTarget(
      name: "ExactTests",
      dependencies: [
        "CExact", "Components", "Distributions", "Learners", "LinearAlgebra", "Mixtures", "Processes",
        "ReferenceSupport", "Regression", "Statistics",
      ],
      exclude: ["Golden"]),
    .testTarget(
      name: "SequencesTests",
      dependencies: ["Distributions", "LinearAlgebra", "Mixtures", "ReferenceSupport", "Sequences", "Statistics"],
      exclude: ["Golden"]),
    .testTarget(name: "FiguresTests", dependencies: ["Figures"]),
    .target(name: "TestSupport", dependencies: ["Files"], path: "Tests/TestSupport"),
    .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"]),
    .testTarget(name: "ImagesTests", dependencies: ["Images"], exclude: ["Golden"]),
    .testTarget(name: "LinearAlgebraTests", dependencies: ["LinearAlgebra", "ReferenceSupport"], exclude: ["Golden"]),
    .testTarget(
      name: "DistributionsTests",
      dependencies: ["CKernels", "Distributions", "GradientChecks", "LinearAlgebra", "ReferenceSupport", "Tensors"],
      exclude: ["Golden"]),
    .testTarget(
      name: "MetricsTests", dependencies: ["LinearAlgebra", "Metrics", "ReferenceSupport"], exclude: ["Golden"]),
    .testTarget(name: "MessagesTests", dependencies: ["CChecksum", "CMessages", "Messages"], exclude: ["Golden"]),
    .testTarget(name: "ZeroMQTests", dependencies: ["ZeroMQ"]),
    .testTarget(
      name: "ClusterTests",
      dependencies: [
        "CKernels", "Cluster", "Learners", "Messages", "Metrics", "Networks", "Optimizers", "Tensors", "TestSupport",
        "Training", "ZeroMQ",
      ]),
    .testTarget(
      name: "ModelsTests",
      dependencies: [
        "Adversarial", "Autoencoders", "BayesianNetworks", "CKernels", "Conjugate", "Datasets", "Experiments",
        "Figures", "Learners", "LinearAlgebra", "Metrics", "Models", "Networks", "Recipes", "ReferenceSupport",
        "Tensors", "Training",
      ], exclude: ["Golden"]),
    .testTarget(name: "RecipesTests", dependencies: ["Recipes"]),
    .testTarget(
      name: "RunsTests",
      dependencies: [
        "Autoencoders", "BayesianNetworks", "Computations", "Datasets", "Figures", "Files", "Images", "Learners",
        "LinearAlgebra", "Models", "Networks", "Recipes", "Runs", "Tensors", "TestSupport", "Training",
      ]),
    .testTarget(
      name: "TrainingTests", dependencies: ["Datasets", "Files", "Metrics", "Tensors", "TestSupport", "Training"]),
    .testTarget(
      name: "ReportsTests", dependencies: ["Figures", "Files", "Images", "Reports", "TestSupport"],
      exclude: ["Golden"]),
    .testTarget(name: "ComputationsTests", dependencies: ["Computations"], exclude: ["Golden"]),
    .testTarget(
      name: "NetworksTests", dependencies: ["GradientChecks", "Networks", "Recipes", "Tensors"], exclude: ["Golden"]),
    .testTarget(name: "OptimizersTests", dependencies: ["GradientChecks", "Optimizers"], exclude: ["Golden"]),
    .testTarget(name: "TensorsTests", dependencies: ["COneDNN", "GradientChecks", "Tensors"], exclude: ["Golden"]),
    .testTarget(name: "HTTPServerTests", dependencies: ["HTTPServer", "TestSupport"]),
    .testTarget(
      name: "ServingTests",
      dependencies: ["Datasets", "HTTPServer", "Images", "Recipes", "Runs", "Serving", "TestSupport", "Training"]),
    .testTarget(
      name: "PagesTests",
      dependencies: ["Files", "HTTPServer", "Messages", "Pages", "Reports", "TestSupport", "Training"]),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "Datasets", "Files", "Images", "Reports", "TestSupport", "elbo",
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], exclude: ["Golden"]),
  ]
)

/// The same checks for every target: `any` is written where a value is boxed (boxing costs in hot loops), and a
/// member is only visible where its module is imported (the house's "nothing imports upwards" stays checkable).
for target in package.targets where target.type != .system {
  target.swiftSettings =
    (target.swiftSettings ?? []) + [
      .enableUpcomingFeature("ExistentialAny"),
      .enableUpcomingFeature("MemberImportVisibility"),
    ]
}

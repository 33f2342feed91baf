/// A folder of text files; each file is a sequence of characters or words.
enum TextFolder {
  static func open(
    _ path: String, _ names: [String], _ request: DataRequest, name: String
  ) throws(DataError) -> Dataset {
    let place = DataPlace(file: path)
    try request.refuseColumns(at: place)
    var list = TokenList()
    var lengths: [Int] = []
    for file in names {
      let filePlace = DataPlace(file: "\(path)/\(file)")
      let before = list.count
      list.append(try TextDataset.string(DataFile.read(filePlace.file), filePlace)[...], as: request.tokens)
      guard list.count > before else {
        throw DataError(.empty, at: filePlace, "holds no text", advice: "take it out, or give it text")
      }
      lengths.append(list.count - before)
    }
    let all = try ExampleSet(
      inputs: list.inputs(place: place), sequences: Sequences(lengths: lengths, place: place), place: place)
    return try list.dataset(
      all.split(request, place: place), request.tokens, request, name: name, place: place)
  }
}

import Images

/// What of pictures is not in the numbers that they become, said once with its count.
struct PictureLosses {
  let background: Background
  private var transparent = 0
  private var deep = 0

  init(background: Background) { self.background = background }

  /// The picture in a file.
  mutating func read(_ path: String) throws(DataError) -> Raster {
    let (picture, isDeep) = try ImageFolder.picture(path)
    if isDeep { deep += 1 }
    if picture.isTransparent { transparent += 1 }
    return picture
  }

  var notes: [String] {
    var notes: [String] = []
    if transparent > 0 {
      let what =
        background == .black ? "black; \(DataKey.background)=255 lays them over white" : "\(DataKey.background)"
      notes.append("\(counted(transparent, "picture")) with transparent parts, which are laid over \(what)")
    }
    if deep > 0 { notes.append("\(counted(deep, "picture")) of 16 bits a channel, which are rounded to 8") }
    return notes
  }
}

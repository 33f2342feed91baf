import Images

/// How the fields of a table's line are separated.
public enum DelimiterRule: String, Sendable, Hashable, CaseIterable {
  /// The one of tab, semicolon, comma and white space that gives every line equally many fields, at least two.
  case detect
  case comma, semicolon, tab
  /// Any run of spaces and tabs; those at the line's ends do not count.
  case whitespace
}

/// Whether a table's first line names its columns.
public enum HeaderRule: String, Sendable, Hashable, CaseIterable {
  /// It does if none of its fields is a number and it does not look like a row of the text columns below it.
  case detect
  case present, absent
}

/// What becomes of cells without a value: empty, `NA`, `N/A`, `NaN`, `null` and `?`.
public enum MissingRule: String, Sendable, Hashable, CaseIterable {
  /// They are an error that counts them by column.
  case error
  /// Rows with one in a column that is used are left out; a note says how many.
  case drop
  /// Numbers become NaN, for models that can deal with it; in a one-hot column they are a category of their own.
  case keep
  /// Numbers become the mean of their column, and a column of its own says where they did; in a one-hot column they are a
  /// category of their own. What is new is read with the means of the training data.
  case mean

  /// Whether rows with such cells stay in a table.
  var keepsRows: Bool { self == .keep || self == .mean }
}

/// What becomes of a value of a one-hot column that the training data does not have.
public enum UnseenRule: String, Sendable, Hashable, CaseIterable {
  /// It is an error that names its line.
  case error
  /// All columns of the one-hot column are zero.
  case zeros
}

/// What the target is.
public enum TargetKind: String, Sendable, Hashable, CaseIterable {
  /// Text and arrays of integers are classes, all other numbers are values.
  case detect
  /// Class labels.
  case classes
  /// Regression targets.
  case values
}

/// How test examples are chosen from data that has no test set of its own.
public enum SplitRule: String, Sendable, Hashable, CaseIterable {
  /// By `SplitPermutation` from the seed.
  case random
  /// The last ones.
  case position
}

/// What the bytes of a file mean, where the file does not say it itself.
public enum DataFormat: String, Sendable, Hashable, CaseIterable {
  /// IDX, NPY, NPZ by their first bytes; tables and text by name and first line.
  case detect
  /// Rows of fields: CSV and its relatives.
  case table
  /// Characters or words.
  case text
  /// A word a line with its tags, sentences apart by empty lines: CoNLL-U, or columns of word and tags.
  case conll
}

/// What the elements of a text are.
public enum TokenKind: String, Sendable, Hashable, CaseIterable {
  case characters, words
}

/// What data to open and how: plain values, filled from the recipe's `data` section, whose keys have these names.
public struct DataRequest: Sendable, Equatable {
  /// `fashion-mnist`, a file or a folder.
  public var source: String
  public var format = DataFormat.detect
  /// The target's column in a table, by name or by index from 0 (from −1 backwards); its array's name in an archive.
  public var target: String?
  /// Further target columns of a table; all are then values.
  public var moreTargets: [String] = []
  public var targetKind = TargetKind.detect
  /// The input columns of a table, by name or index; empty for all but the target and the dropped ones. In an archive,
  /// the one name of the input array.
  public var columns: [String] = []
  /// The column of a table that says which row is which: it is no input, and predictions repeat it.
  public var identifier: String?
  /// Columns of a table that are left out.
  public var drop: [String] = []
  /// Columns of a table whose values each become a column of zeros and ones; `*` stands for all that hold text.
  public var oneHot: [String] = []
  /// Columns of a table whose cells are dates of ISO 8601; they become days since 1970.
  public var dates: [String] = []
  /// Columns of a table whose numbers may have a per cent sign, which is taken away: 12.5 % is 12.5.
  public var percent: [String] = []
  public var missing = MissingRule.error
  public var unseen = UnseenRule.error
  public var header = HeaderRule.detect
  public var delimiter = DelimiterRule.detect
  public var decimal = DecimalRule.point
  /// Lines of a table to pass over before its header or first row.
  public var skip = 0
  /// The share of examples that are kept for testing, at least 0 and below 1. Unused where the data has a test set.
  public var testFraction = 0.0
  /// The share of the training examples that are kept for validation, at least 0 and below 1.
  public var validationFraction = 0.0
  public var split = SplitRule.random
  /// Side of the squares that a folder's pictures are made into; 0: that of the first, if it is a small square, or 64.
  public var imageSize = 0
  /// 1 grey, 3 colours; 0: as the first picture of a folder has it.
  public var imageChannels = 0
  /// Whether a folder's pictures keep their sizes: each is then a sequence of pixels, and its target is its size.
  public var wholePictures = false
  /// What lies behind the transparent parts of pictures.
  public var background = Background.black
  /// Which number of a label picture means that a pixel has no class.
  public var void = VoidLabel.automatic
  /// The column of a table whose value names the sequence that a row belongs to, or an archive's array of lengths.
  public var sequence: String?
  /// What the elements of a text are.
  public var tokens = TokenKind.characters
  /// A word that the training text has less often becomes `<unk>`.
  public var minimumCount = 1
  /// Whether a picture that cannot be read is an error; otherwise it is left out, and a note says so.
  public var strict = true
  /// Seed of the random split.
  public var seed: UInt64 = 0
  /// What the data must be like; not a key. Input columns of a table are then those of the schema, by name, and one-hot
  /// columns have its levels. `Dataset.seen` does the rest.
  public var schema: Schema?

  public init(source: String) {
    self.source = source
  }

  /// Throws `.badRequest` for values that no data could satisfy.
  func validate() throws(DataError) {
    guard !source.isEmpty else {
      throw DataError(
        .badRequest, "no data is named", advice: "set \(DataKey.source) to a data set, a file or a folder")
    }
    guard testFraction >= 0, testFraction < 1 else {
      throw DataError(
        .badRequest, "\(DataKey.testFraction) is \(testFraction)", advice: "use a share of at least 0 and below 1")
    }
    guard validationFraction >= 0, validationFraction < 1 else {
      throw DataError(
        .badRequest, "\(DataKey.validationFraction) is \(validationFraction)",
        advice: "use a share of at least 0 and below 1")
    }
    guard (0...4096).contains(imageSize), [0, 1, 3].contains(imageChannels) else {
      throw DataError(
        .badRequest, "\(DataKey.imageSize) is \(imageSize) and \(DataKey.imageChannels) is \(imageChannels)",
        advice: "use a size from 0 to 4096, and 1 or 3 channels or 0")
    }
    guard !wholePictures || imageSize == 0 else {
      throw DataError(
        .badRequest, "\(DataKey.wholePictures) and \(DataKey.imageSize) are both set", advice: "take one of them out")
    }
    guard minimumCount >= 1 else {
      throw DataError(.badRequest, "\(DataKey.minimumCount) is \(minimumCount)", advice: "use a count, 1 or more")
    }
    guard skip >= 0 else {
      throw DataError(.badRequest, "\(DataKey.skip) is \(skip)", advice: "use a number of lines, 0 or more")
    }
  }

  /// Throws where the request speaks of columns and the data has none.
  func refuseColumns(at place: DataPlace, allowingArrayNames: Bool = false) throws(DataError) {
    let named: [(DataKey, Bool)] = [
      (.drop, !drop.isEmpty), (.oneHot, !oneHot.isEmpty), (.dates, !dates.isEmpty),
      (.percent, !percent.isEmpty), (.identifier, identifier != nil && schema == nil),
      (.target, target != nil && (!allowingArrayNames || !moreTargets.isEmpty)),
      (.columns, !columns.isEmpty && !allowingArrayNames), (.sequence, sequence != nil && !allowingArrayNames),
    ]
    guard let key = named.first(where: { $0.1 })?.0 else { return }
    throw DataError(
      .badRequest, at: place, "\(key) is set, but this data has no columns",
      advice: "take it out, or name a table; inputs with targets can also lie in one .npz file as x and y")
  }
}

import Foundation
import TestSupport
import Testing

@Suite("Inputs of the fuzz targets", .timeLimit(.minutes(2)))
struct FuzzCorpusTests {
    private static let corpus = packageFile("Tests/Fuzz/Corpus")

    @Test("seeds and findings keep all promises", arguments: FuzzTarget.all) func replay(target: FuzzTarget) throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: Self.corpus.appendingPathComponent(target.name), includingPropertiesForKeys: nil)
        #expect(!files.isEmpty)
        for file in files {
            let input = Array(try Data(contentsOf: file))
            // A whole input, and its beginnings: input that is cut off is malformed in most places.
            for end in Set([input.count, input.count / 2, max(0, input.count - 1)]) {
                do {
                    try Array(input[..<end]).withBytes(target.check)
                } catch {
                    Issue.record("\(file.lastPathComponent), \(end) bytes: \(error)")
                }
            }
        }
    }

    @Test("every folder of inputs belongs to a target") func folders() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path)
        #expect(Set(folders) == Set(FuzzTarget.all.map(\.name)))
    }
}

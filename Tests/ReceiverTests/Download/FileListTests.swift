import Testing

@testable import Receiver

@Suite("List of files")
struct FileListTests {
    @Test("files are sorted by name, in one line of JSON") func sorted() {
        let files = [
            StoredFile(name: "b\"\n", size: 2, modified: 784_111_777, version: "v"),
            StoredFile(name: "a", size: 0, modified: 0, version: "w"),
        ]
        #expect(
            FileList(files).json
                == #"[{"modified":"1970-01-01T00:00:00Z","name":"a","size":0},{"modified":"1994-11-06T08:49:37Z","name":"b\"\n","size":2}]"#
                + "\n"
        )
        #expect(FileList([]).json == "[]\n")
    }

    @Test("50,000 files take less than a minute", .timeLimit(.minutes(1))) func many() {
        let file = StoredFile(name: String(repeating: "n", count: 200), size: 1, modified: 0, version: "v")
        let json = FileList(Array(repeating: file, count: 50_000)).json
        #expect(json.utf8.count > 50_000 * 200)
    }
}

import Foundation
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Receiver

@Suite("Numbered names", .timeLimit(.minutes(3)))
struct NumberedNamesTests {
    private let folder: TemporaryDirectory
    private let directory: Directory

    init() throws {
        folder = try TemporaryDirectory()
        directory = try Directory(creatingAt: folder.path)
    }

    /// Creates an empty file under the next free name.
    ///
    /// - Returns: the name, and how many were tried.
    private func give(_ name: String, _ numbers: NumberedNames) throws -> (name: String, attempts: Int) {
        var attempts = 0
        let given = try numbers.give(FileName(cleaning: name), in: directory) { name throws(SystemError) in
            attempts += 1
            _ = try directory.openFile(name, flags: O_CREAT | O_EXCL | O_WRONLY)
        }
        return (given, attempts)
    }

    @Test("the lowest free number is used, few names are tried, and low numbers are used again") func lowest() throws {
        let numbers = NumberedNames()
        #expect(try give("a.txt", numbers).name == "a.txt")
        for number in 1..<3000 {
            let (name, attempts) = try give("a.txt", numbers)
            #expect(name == "a (\(number)).txt")
            #expect(attempts <= 6)
        }
        // After a restart.
        let fresh = NumberedNames()
        let (name, attempts) = try give("a.txt", fresh)
        #expect(name == "a (3000).txt")
        #expect(attempts <= 7)
        for name in ["a.txt", "a (2).txt"] {
            try directory.removeFile(name)
            #expect(try give("a.txt", fresh).name == name)
        }
        #expect(try give("a.txt", fresh).name == "a (3001).txt")
    }

    @Test("gaps, links that lead nowhere and folders are no obstacle") func gaps() throws {
        let numbers = NumberedNames()
        for number in [0, 1, 2, 3, 5] + Array(stride(from: 4, to: 100, by: 4)) {
            let path = folder.path(FileName(cleaning: "b").numbered(number))
            switch number % 3 {
            case 0: try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            case 1: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "nowhere")
            default: try folder.write([], to: FileName(cleaning: "b").numbered(number))
            }
        }
        var names: Set<String> = []
        for _ in 0..<200 { names.insert(try give("b", numbers).name) }
        #expect(names.count == 200)
    }

    @Test("the names that are remembered are limited") func memory() throws {
        let numbers = NumberedNames()
        for name in 0..<1100 {
            for number in 0..<6 { try folder.write([], to: FileName(cleaning: "\(name)").numbered(number)) }
            #expect(try give("\(name)", numbers).name == "\(name) (6)")
        }
    }
}

/// So many bytes of compressible text that does not repeat itself.
public func bottles(_ count: Int) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(count + 100)
    var number = 0
    while text.count < count {
        text += Array("\(number) bottles of \(number * 7919 % 1009) on the wall\n".utf8)
        number += 1
    }
    return Array(text[..<count])
}

-- nbdev unfolds each "Exported source", which repeats the signature above it: fold it, and leave teaching code open.
function CodeBlock(block)
  if block.attributes["code-summary"] == "Exported source" then
    block.attributes["code-fold"] = "true"
    return block
  end
end

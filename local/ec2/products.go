package ec2

import (
	"slices"

	"goldsmith/local/query"
)

// Sell makes an image one of AWS Marketplace: it carries the codes of products, and so does what is launched from it,
// what is imaged of that, and copies of those.
func (w *World) Sell(imageID string, products ...string) {
	w.lock()
	defer w.unlock()
	w.images.change(w.now, imageID, func(img *image) { img.products = products })
}

func writeProducts(out *query.Writer, codes []string) {
	query.Items(out, "productCodes", codes, func(code string) {
		out.Text("productCode", code)
		out.Text("type", "marketplace")
	})
}

// subscribed is why an account may not launch what carries codes of products: the code and the words that people quote
// (hashicorp/packer#2346, ansible/workshops#1792); nil when it has subscribed to all of them.
func (c Consumer) subscribed(products []string) error {
	for _, code := range products {
		if !slices.Contains(c.Subscribed, code) {
			return &query.Error{Code: "OptInRequired", Status: 401,
				Message: "In order to use this AWS Marketplace product you " +
					"need to accept terms and subscribe. To do so please visit https://aws.amazon.com/marketplace/pp?sku=" + code}
		}
	}
	return nil
}

// elsewhere is why another account may not copy what carries codes of products; its own may (EC2 User Guide, "Copy an
// AMI"). The words are those that people quote.
func elsewhere(products []string) error {
	if len(products) == 0 {
		return nil
	}
	return query.Errorf("InvalidRequest", "Images from AWS Marketplace cannot be copied to another AWS account.")
}
